import type { ConfigLine } from '../model/formats.js';
import type { SentinelFile } from '../model/survey.js';
import { parseConfig } from './redis-conf.js';
import { hashOfWord, redactLine } from './secrets.js';
import { lowerAscii } from './tokenise.js';

/** A `sentinel …` line taken apart: `sub` in lower case, `group` where the statement is about one master. */
export interface Statement {
  readonly sub: string;
  readonly group: string | undefined;
  /** What follows the group, or the sub-directive of a statement without one. */
  readonly words: readonly string[];
}

/** Statements about the sentinel itself; every other one names a master first (sentinel.c:sentinelHandleConfiguration). */
const globalStatements: ReadonlySet<string> = new Set([
  'myid',
  'current-epoch',
  'announce-ip',
  'announce-port',
  'deny-scripts-reconfig',
  'sentinel-user',
  'sentinel-pass',
  'resolve-hostnames',
  'announce-hostnames',
]);

/** The statement of a line, undefined when the line is no `sentinel` directive. Directives count in any case, names do not. */
export function statementOf(line: Pick<ConfigLine, 'name' | 'args'>): Statement | undefined {
  if (line.name !== 'sentinel' || line.args.length === 0) return undefined;
  const sub = lowerAscii(line.args[0] ?? '');
  const global = globalStatements.has(sub);
  return { sub, group: global ? undefined : line.args[1], words: line.args.slice(global ? 1 : 2) };
}

/** A decimal epoch as strtoull reads it; 0 for anything else. */
export function epochOf(word: string | undefined): bigint {
  return BigInt(/^\d+/.exec(word ?? '')?.[0] ?? '0');
}

/** `host:port`, the form of every address in a survey. */
export function addressOf(host: string | undefined, port: string | undefined): string {
  return `${host ?? ''}:${port ?? ''}`;
}

/**
 * What a sentinel.conf says about one group. `lines` are its directives with secrets as tokens, comments left out;
 * addresses are `host:port`; `scripts` are `notification-script PATH` and `client-reconfig-script PATH`. Throws an Error
 * when the file does not monitor the group.
 */
export function parseSentinelFile(path: string, text: string, group: string): SentinelFile {
  const lines = parseConfig(path, text).filter((line) => line.name !== '');
  const statements = lines.map(statementOf).filter((statement) => statement !== undefined);
  const own = statements.filter((statement) => statement.group === group);
  const [host, port, quorum] = own.find(({ sub }) => sub === 'monitor')?.words ?? [];
  if (host === undefined || port === undefined) throw new Error(notMonitored(path, group, statements));
  const myid = lastWord(statements, 'myid');
  const authPassHash = hashOfWord(lastWord(own, 'auth-pass') ?? '');
  return {
    path,
    lines: lines.map(redactLine),
    ...(myid === undefined ? {} : { myid }),
    master: addressOf(host, port),
    quorum: Number(quorum ?? Number.NaN),
    configEpoch: epochOf(lastWord(own, 'config-epoch')),
    currentEpoch: currentEpoch(statements),
    leaderEpoch: epochOf(lastWord(own, 'leader-epoch')),
    knownSentinels: own.filter(({ sub }) => sub === 'known-sentinel').map(({ words }) => knownSentinel(words)),
    knownReplicas: own.filter(isKnownReplica).map(({ words }) => addressOf(words[0], words[1])),
    otherGroups: groupsOf(statements).filter((name) => name !== group),
    ...(authPassHash === undefined ? {} : { authPassHash }),
    scripts: own.filter(({ sub }) => sub.endsWith('-script')).map(({ sub, words }) => [sub, ...words].join(' ')),
  };
}

/** Whether a statement lists a replica, in the old or the new spelling. */
export function isKnownReplica(statement: Statement): boolean {
  return statement.sub === 'known-slave' || statement.sub === 'known-replica';
}

/** The monitored names, in the order of the file, each once. */
function groupsOf(statements: readonly Statement[]): string[] {
  const names = statements.filter(({ sub }) => sub === 'monitor').map(({ group }) => group);
  return [...new Set(names)].filter((name) => name !== undefined);
}

/** Loading takes the highest of current-epoch and every config-epoch (sentinel.c:sentinelHandleConfiguration). */
function currentEpoch(statements: readonly Statement[]): bigint {
  return statements
    .filter(({ sub }) => sub === 'current-epoch' || sub === 'config-epoch')
    .map(({ words }) => epochOf(words[0]))
    .reduce((highest, epoch) => (epoch > highest ? epoch : highest), 0n);
}

function lastWord(statements: readonly Statement[], sub: string): string | undefined {
  return statements.findLast((statement) => statement.sub === sub)?.words[0];
}

/** 2.8 wrote known-sentinel without the run id. */
function knownSentinel(words: readonly string[]): { address: string; myid?: string } {
  const [host, port, myid] = words;
  return { address: addressOf(host, port), ...(myid === undefined ? {} : { myid }) };
}

function notMonitored(path: string, group: string, statements: readonly Statement[]): string {
  const others = groupsOf(statements);
  return `${path} does not monitor ${group}: it ${others.length === 0 ? 'monitors nothing' : `monitors ${others.join(', ')}`}`;
}
