import { createHash } from 'node:crypto';
import type { StartProblem, StartText } from '../audit/starts/problem.js';
import { startProblems } from '../audit/starts/start-problems.js';
import type { FleetView, RedisNode, SentinelNode } from '../audit/view.js';
import { openLocalHost } from '../hosts/local.js';
import { reasonOf } from '../hosts/reading.js';
import type { AuditReport, Confirmation, ConfirmedLine } from '../model/audit.js';
import { globsOf } from '../redis/globs.js';
import { scanWords } from '../redis/tokenise.js';
import { printVersion } from '../redis/versions.js';
import { type ServerHere, serverOfSeries } from '../scratch/local-server.js';
import { type Tried, tryText } from '../scratch/trial.js';
import { type TrialText, trialText } from '../scratch/trial-text.js';

type Node = RedisNode | SentinelNode;

/** A file with more mistakes is tried line by line up to here. */
const mostTrials = 25;
const mostBytes = 4 * 1024 * 1024;

/**
 * The report with what a server of this machine does with a copy of every node's files, where this machine has one of
 * the node's version. The copy touches nothing (`trialText`) and holds no password; the server runs in a network
 * namespace of its own or not at all. Mistakes are tried one after the other: each that was confirmed is taken out.
 */
export async function confirmed(report: AuditReport, view: FleetView, signal: AbortSignal): Promise<AuditReport> {
  const confirmations: Confirmation[] = [];
  const nodes = view.hosts.flatMap((host): readonly Node[] => [...host.redis, ...host.sentinels]);
  for (const node of nodes) confirmations.push(await confirmNode(node, report, view, signal));
  return { ...report, confirmations };
}

async function confirmNode(
  node: Node,
  report: AuditReport,
  view: FleetView,
  signal: AbortSignal,
): Promise<Confirmation> {
  const about = { host: node.at.host, node: node.at.id };
  const notTried = (says: string): Confirmation => ({ ...about, outcome: 'not-tried', says, lines: [] });
  if (!node.startText.ok) return notTried(`its files were not read: ${node.startText.detail}`);
  const here = await serverOfSeries(node.target.flavour, node.target.version);
  if (!here.ok) return notTried(here.why);
  const made = trialOf(node, node.startText.value);
  if (made.text.length > mostBytes) return notTried('its files are too large to be tried');
  try {
    const found = await tryAll(node, made, here, signal);
    return {
      ...about,
      ...judged(found, node, report, view),
      by: `${node.target.flavour}-${printVersion(here.version)}`,
    };
  } catch (error) {
    signal.throwIfAborted();
    return notTried(reasonOf(error));
  }
}

/** Passwords are tokens here; where only the hash of one may stand, something of that form stands. */
function trialOf(node: Node, { files }: StartText): TrialText {
  const texts = new Map(
    files.map(({ file, text }) => [
      file,
      text
        .replace(/([#!])\{secret:([0-9a-f]{16})\}/g, (_all, sign: string, hash: string) => sign + asHash(hash))
        .replace(/[\ud800-\udfff]/g, '?'),
    ]),
  );
  return trialText(node.at.kind, { main: files[0]?.file ?? '', texts, globs: globsOf(texts) });
}

function asHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What one trial after the other brought. */
interface Found {
  /** By trial line (0-based): on it audit and server agree, and the server's words. */
  readonly agreed: ReadonlyMap<number, string>;
  /** What ended the trials before everything was tried: the two did not agree. */
  readonly differs?: {
    readonly line: number | undefined;
    readonly audit: StartProblem | undefined;
    readonly says: string;
  };
  readonly trials: number;
  readonly made: TrialText;
  /** The trial lines of which the audit says something: the others were left out of the copy. */
  readonly asked: ReadonlySet<number>;
}

async function tryAll(
  node: Node,
  made: TrialText,
  here: Extract<ServerHere, { ok: true }>,
  signal: AbortSignal,
): Promise<Found> {
  const host = openLocalHost(thisMachine);
  const lines = made.text.split('\n');
  const judge = () => startProblems([{ file: '', text: lines.join('\n') }], node.at.kind, node.target);
  const asked = new Set(judge().map(({ line }) => line - 1));
  const agreed = new Map<number, string>();
  for (let trials = 1; ; trials += 1) {
    const [first] = judge();
    const given = { kind: node.at.kind, program: here.server, text: lines.join('\n'), closedOnly: true };
    const tried = await tryText(host, given, signal);
    const differs = differenceOf(first, tried);
    const over = first === undefined || differs !== undefined || trials === mostTrials;
    if (first !== undefined && differs === undefined && !tried.starts) agreed.set(first.line - 1, tried.says);
    if (over) return { agreed, trials, made, asked, ...(differs === undefined ? {} : { differs }) };
    lines[first.line - 1] = mended(lines[first.line - 1] ?? '', lines);
  }
}

function differenceOf(first: StartProblem | undefined, tried: Tried): Found['differs'] {
  if (tried.starts) return first && { line: first.line - 1, audit: first, says: 'the server takes it' };
  const line = tried.line === undefined ? undefined : tried.line - 1;
  const same = first !== undefined && (line === undefined || line === first.line - 1);
  return same ? undefined : { line, audit: first, says: tried.says };
}

/** A bad line taken out; of a monitor line its name stays, so that the options of the master stay right. */
function mended(raw: string, lines: readonly string[]): string {
  const [first, sub, name] = scanWords(raw) ?? [];
  if (first === undefined || name === undefined || `${first.text} ${sub?.text}`.toLowerCase() !== 'sentinel monitor') {
    return '';
  }
  const again = raw.slice(name.start, name.end);
  const now = `sentinel monitor ${again} 127.0.0.1 1 1`;
  const others = lines.filter((line) => line.startsWith(`sentinel monitor ${again} `)).length;
  return raw === now || others > 1 ? '' : now;
}

function judged(
  found: Found,
  node: Node,
  report: AuditReport,
  view: FleetView,
): Pick<Confirmation, 'outcome' | 'says' | 'lines'> {
  const key = (file: string | undefined, line: number | undefined) => `${file}:${line}`;
  const placeOf = (at: number | undefined) => {
    const origin = at === undefined ? undefined : found.made.origins[at];
    return origin === undefined ? {} : { file: view.shownAs(node.at.id, origin.file), line: origin.line };
  };
  const byPlace = new Map(
    [...found.made.origins.keys()].flatMap((at): [string, number][] => {
      const { file, line } = placeOf(at);
      return file === undefined ? [] : [[key(file, line), at]];
    }),
  );
  const own = report.findings.filter((finding) => finding.node === node.at.id && finding.server !== undefined);
  const lines = own.map(({ file = '', line, rule }): ConfirmedLine => {
    const at = byPlace.get(key(file, line));
    const place = { file, ...(line === undefined ? {} : { line }), rule };
    const says = at === undefined ? undefined : found.agreed.get(at);
    if (says !== undefined) return { ...place, outcome: 'confirmed', says };
    const differs = found.differs?.audit !== undefined && at === found.differs.audit.line - 1;
    if (differs) return { ...place, outcome: 'differs', says: found.differs?.says ?? '' };
    return { ...place, outcome: 'not-confirmed', says: whyNot(found, at) };
  });
  const beyond = beyondAudit(found, placeOf, node.at.main);
  const all = [...lines, ...beyond];
  return { outcome: found.differs === undefined ? 'agrees' : 'differs', says: sentence(found, all), lines: all };
}

function beyondAudit(
  { differs }: Found,
  placeOf: (at: number | undefined) => { readonly file?: string; readonly line?: number },
  main: string,
): readonly ConfirmedLine[] {
  if (differs === undefined || (differs.audit !== undefined && differs.line === differs.audit.line - 1)) return [];
  return [{ file: main, ...placeOf(differs.line), outcome: 'differs', says: differs.says }];
}

function whyNot({ asked, differs, trials }: Found, at: number | undefined): string {
  if (at === undefined || !asked.has(at))
    return 'a copy cannot show it: what reaches out of the directory of the trial is left out or replaced';
  if (differs !== undefined) return 'not tried any more: server and audit differ before it';
  return trials >= mostTrials
    ? `not tried: after ${mostTrials} mistakes it was enough`
    : 'it went with a line before it';
}

function sentence({ differs, trials }: Found, lines: readonly ConfirmedLine[]): string {
  const count = (outcome: ConfirmedLine['outcome']) => lines.filter((line) => line.outcome === outcome).length;
  const left = count('not-confirmed') === 0 ? '' : `, ${count('not-confirmed')} not tried`;
  if (differs !== undefined) {
    const before = count('confirmed') === 0 ? '' : ` after ${count('confirmed')} mistakes on which they agree`;
    return `server and audit differ${before}${left}`;
  }
  if (lines.length === 0) return 'a copy of its files starts';
  return `${count('confirmed')} of ${lines.length} mistakes confirmed in ${trials === 1 ? 'one start' : `${trials} starts`}${left}`;
}

const thisMachine = {
  name: 'this machine',
  address: '127.0.0.1',
  transport: 'local',
  become: 'none',
  service: 'process',
  state: '',
  nodes: [],
  line: 0,
} as const;
