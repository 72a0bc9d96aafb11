import { type ErrorWord, RunbookError } from '../errors.js';
import type { Diagnosis, Finding, Path } from '../model/diagnosis.js';

/** What the operator's words say of hosts and of the master. */
interface GivenUp {
  readonly without: readonly string[];
  readonly hostIsOff: readonly string[];
  readonly promote?: string;
}

/** `--without` is for hosts that were not reached: a host that was has a say. */
export function refuseNeedless(diagnosis: Diagnosis, choice: GivenUp): void {
  const dark = diagnosis.findings.filter(isUnreachable).flatMap((finding) => finding.nodes);
  const needless = gone(choice).filter((host) => !dark.includes(host));
  if (needless.length === 0) return;
  throw new RunbookError(
    'usage',
    `${needless.join(', ')} cannot be left out: --without and --host-is-off are for a host that could not be looked at.`,
    {
      next: dark.length > 0 ? [`they take one of ${dark.join(', ')}`] : ['leave them out'],
    },
  );
}

/** Hosts that are given up by name: what is known to be off is left out as well. */
export function gone({ without, hostIsOff }: Pick<GivenUp, 'without' | 'hostIsOff'>): readonly string[] {
  return [...without, ...hostIsOff];
}

function isUnreachable(finding: Finding): boolean {
  return finding.id === 'redis-host-unreachable' || finding.id === 'sentinel-host-unreachable';
}

/** Findings that say that too little was seen, not that something seen is wrong. */
const unseen: ReadonlySet<string> = new Set([
  'redis-host-unreachable',
  'runs-and-does-not-answer',
  'still-loading',
  'files-not-readable',
]);

/** The error word of a finding that blocks. */
export function wordOfBlocking({ id }: Finding): ErrorWord {
  if (id === 'password-refused') return 'auth';
  return unseen.has(id) ? 'too-little-seen' : 'blocked';
}

/** Throws RunbookError for findings that block: what a path does not touch, or a word of the operator settles, does not. */
export function refuseBlocked(diagnosis: Diagnosis, choice: GivenUp, path: Path): void {
  const blocking = diagnosis.findings.filter(
    (finding) => finding.blocks && !isWaived(finding, choice) && !untouched[path]?.has(finding.id),
  );
  const first = blocking[0];
  if (!first) return;
  throw new RunbookError(wordOfBlocking(first), `${first.says}.`, {
    facts: blocking.slice(1).map((finding) => finding.says),
    next: blocking.flatMap((finding) => finding.next ?? []),
  });
}

const filesOfRedis = [
  'runs-another-file',
  'other-server-in-data-dir',
  'aof-differs-from-file',
  'aof-not-loaded',
  'role-on-command-line',
  'older-server',
  'data-too-new',
];

/** Findings about what a path neither writes nor starts. */
const untouched: Readonly<Partial<Record<Path, ReadonlySet<string>>>> = {
  failover: new Set(['aof-differs-from-file']),
  live: new Set(['aof-differs-from-file']),
  'sentinels-only': new Set(filesOfRedis),
};

/** Servers that are too old are judged for the master that is chosen (`leftOutFor`), not for the one that is recommended. */
function isWaived(finding: Finding, choice: GivenUp): boolean {
  if (finding.id === 'older-server') return true;
  if (finding.id === 'data-too-new') return choice.promote !== undefined && !finding.nodes.includes(choice.promote);
  return finding.id === 'redis-host-unreachable' && finding.nodes.every((host) => gone(choice).includes(host));
}
