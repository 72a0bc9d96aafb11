import { RunbookError } from '../errors.js';
import type { BackupSource } from '../model/backup.js';
import type { Candidate, Consent, Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import { refuseNeedless, wordOfBlocking } from './blocking.js';
import type { Choice, Decision } from './choice.js';
import { leftOutFor } from './too-old.js';

/** What is known of the backup when the group it goes into is looked at. */
export interface RestoreRequest {
  readonly id: string;
  readonly source: BackupSource;
  readonly choice: Choice;
}

/**
 * Who loads the backup, and what that sets aside. The running master stays master, so that its address stays the same;
 * in a dead group the freshest node, else the one that the sentinels name, else the first. Whatever the group holds now
 * is given up for the backup: the node that holds all of it is named by the operator, and each other one that holds
 * anything else. Throws RunbookError where too little was seen, or `usage` for a loss without a reason.
 */
export function decideRestore(diagnosis: Diagnosis, group: GroupSurvey, request: RestoreRequest): Decision {
  const { choice } = request;
  refuseNeedless(diagnosis, choice);
  refuseBlocked(diagnosis, choice);
  refuseStrangers(diagnosis, choice);
  const master = choice.promote ?? masterOf(diagnosis, group);
  const candidate = diagnosis.candidates.find(({ node }) => node === master);
  if (master === undefined || candidate === undefined) throw nobody(diagnosis, choice.promote);
  const leftOut = leftOutFor(withoutOwnFile(candidate), choice);
  const wanted = asides(diagnosis, request);
  const missing = wanted.filter(({ node }) => !choice.setAside.includes(node));
  const givesUp = wanted.length > 0 || choice.without.length > 0 || leftOut.length > 0;
  if (givesUp && missing.length === 0 && choice.reason === undefined)
    throw new RunbookError('usage', 'What a group holds is set aside only with a reason; it goes into the report.', {
      next: ['add --reason "..."'],
    });
  return {
    master,
    setAside: wanted.map(({ node }) => node),
    ...(leftOut.length > 0 ? { leftOut } : {}),
    ...(choice.reason === undefined ? {} : { reason: choice.reason }),
    missing,
  };
}

/** Its own RDB file is replaced: that its server could not load it does not matter. */
function withoutOwnFile({ wontLoad: _wontLoad, ...candidate }: Candidate): Candidate {
  return candidate;
}

/** Findings that are about the data which the backup takes the place of, or are judged for the chosen master. */
const aboutData: ReadonlySet<string> = new Set([
  'data-too-new',
  'older-server',
  'aof-differs-from-file',
  'aof-not-loaded',
]);

function refuseBlocked(diagnosis: Diagnosis, choice: Choice): void {
  const blocking = diagnosis.findings.filter(
    ({ blocks, id, nodes }) =>
      blocks &&
      !aboutData.has(id) &&
      !(id === 'redis-host-unreachable' && nodes.every((host) => choice.without.includes(host))),
  );
  const [first, ...more] = blocking;
  if (first === undefined) return;
  throw new RunbookError(wordOfBlocking(first), `${first.says}.`, {
    facts: more.map(({ says }) => says),
    next: blocking.flatMap(({ next }) => next ?? []),
  });
}

function refuseStrangers(diagnosis: Diagnosis, choice: Choice): void {
  const nodes = diagnosis.candidates.map(({ node }) => node);
  const stranger = choice.setAside.find((node) => !nodes.includes(node));
  if (stranger === undefined) return;
  throw new RunbookError('usage', `${stranger} is no redis node of ${diagnosis.group}.`, {
    next: [`--set-aside takes of ${nodes.join(', ')}`],
  });
}

function masterOf(diagnosis: Diagnosis, group: GroupSurvey): string | undefined {
  const running = group.redis.filter((node) => known(node.running)?.role === 'master').map(({ node }) => node);
  const [only] = running.length === 1 ? running : [];
  const named = group.sentinels.map((sentinel) => known(sentinel.view)?.master ?? known(sentinel.file)?.master);
  const bySentinels = group.redis.find(
    ({ address, port }) => 2 * named.filter((one) => one === `${address}:${port}`).length > named.length,
  );
  return only ?? diagnosis.winner ?? bySentinels?.node ?? diagnosis.candidates[0]?.node;
}

function nobody(diagnosis: Diagnosis, promote: string | undefined): RunbookError {
  return new RunbookError('usage', `${promote ?? 'nobody'} is no redis node of ${diagnosis.group}.`, {
    next: [`--promote takes one of ${diagnosis.candidates.map(({ node }) => node).join(', ')}`],
  });
}

/** The node that holds everything is named once for all whose data it contains; every other one for itself. */
function asides(diagnosis: Diagnosis, request: RestoreRequest): readonly Consent[] {
  const holders = diagnosis.candidates.filter((candidate) => !holdsNothing(candidate));
  const top = holders.find(({ node }) => node === diagnosis.winner) ?? holders[0];
  if (top === undefined) return [];
  const others = holders.filter(({ node }) => {
    const kind = top.versus[node]?.kind;
    return node !== top.node && kind !== 'contains' && kind !== 'equal' && kind !== 'empty';
  });
  return [top, ...others].map((candidate) => consentFor(candidate, request));
}

function holdsNothing({ verdict, source, wouldLoadKeys }: Candidate): boolean {
  return verdict === 'empty' || source === 'nothing' || wouldLoadKeys === 0n;
}

function consentFor(candidate: Candidate, { id, source }: RestoreRequest): Consent {
  const { node, wouldLoadKeys, end } = candidate;
  const keys = wouldLoadKeys === undefined ? 'data that was not counted' : `${wouldLoadKeys} keys`;
  const same = end !== undefined && source.offset !== undefined && end.replid === source.replicationId;
  const ownBytes =
    same && source.offset !== undefined && end.offset >= source.offset ? end.offset - source.offset : undefined;
  const since =
    ownBytes === undefined
      ? `${id} is of another history or older: how much was written since is not known in bytes`
      : `${ownBytes} bytes of writes since ${id} was taken`;
  return {
    kind: 'set-aside',
    node,
    why: `${node} has ${keys}; ${since}`,
    ...(ownBytes === undefined ? {} : { ownBytes }),
  };
}

/** The refusal for data that nobody named: exit 3, with the words that would set it aside. */
export function restoreRefusal(decision: Decision, id: string): RunbookError {
  const names = decision.setAside.join(',');
  return new RunbookError('split', 'Restoring sets aside what the group holds now, and --yes never accepts that.', {
    facts: decision.missing.map(({ why }) => why),
    next: [
      `redis-runbook backup restore ${id}   in a terminal, or`,
      `redis-runbook backup restore ${id} --yes --set-aside ${names} --reason "..."`,
    ],
  });
}
