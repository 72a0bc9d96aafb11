import type { Candidate, Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, Survey } from '../model/survey.js';
import { printable } from './escape.js';
import { type Cell, type Column, type Row, table } from './layout.js';
import { shownOffset } from './lineage-words.js';
import { nodeAt, shortName, whyNot } from './names.js';
import { bytes, clockTime, grouped } from './quantities.js';

interface View {
  readonly survey: Survey;
  readonly group: GroupSurvey;
  readonly diagnosis: Diagnosis;
  readonly utcOffsetMinutes: number;
}

/**
 * The redis nodes of a group, the master first. What a node's files say stands where it does not run; offsets stand
 * beside the letter of their history, because across histories they cannot be compared.
 */
export function redisTable(
  survey: Survey,
  group: GroupSurvey,
  diagnosis: Diagnosis,
  options: { width: number; colour: boolean; utcOffsetMinutes?: number },
): string[] {
  const view = { survey, group, diagnosis, utcOffsetMinutes: options.utcOffsetMinutes ?? 0 };
  const running = group.redis.filter(runs).length;
  const columns: Column[] = [
    { title: 'HOST' },
    { title: 'REDIS' },
    { title: running > 0 ? 'ROLE' : 'FILES SAY' },
    { title: 'HISTORY' },
    { title: 'OFFSET', align: 'right' },
    ...(running > 0 ? [{ title: 'BEHIND', drop: 2 }] : []),
    ...(running < group.redis.length ? [{ title: 'SAVED', drop: 3 }] : []),
    { title: 'KEYS', align: 'right', drop: 4 },
    ...(running < group.redis.length ? [{ title: 'LOADS', drop: 1 }] : []),
  ];
  const masterFirst = [...group.redis].sort((a, b) => Number(isMaster(b)) - Number(isMaster(a)));
  const rows = masterFirst.map((node) => redisRow(node, view, columns));
  return table(columns, rows, options);
}

function runs(node: RedisSurvey): boolean {
  return known(node.running) !== undefined || (node.process.ok && node.process.value !== null);
}

function isMaster(node: RedisSurvey): boolean {
  return known(node.running)?.role === 'master';
}

function redisRow(node: RedisSurvey, view: View, columns: readonly Column[]): Row {
  const cells: Readonly<Record<string, Cell>> = {
    HOST: shortName(node),
    REDIS: stateCell(node),
    ROLE: roleText(node, view, true),
    'FILES SAY': roleText(node, view, false),
    HISTORY: historyText(node, view),
    OFFSET: offsetText(node, view),
    BEHIND: behindText(node, view),
    SAVED: savedText(node, view),
    KEYS: keysText(node, view),
    LOADS: candidateOf(node, view)?.source ?? '?',
  };
  const note = noteOf(node, view);
  return {
    ...signOf(node),
    cells: columns.map((column) => cells[column.title] ?? ''),
    ...(note === undefined ? {} : { note }),
  };
}

function signOf(node: RedisSurvey): Pick<Row, 'sign' | 'role'> {
  if (!runs(node) && !node.process.ok) return { sign: '?', role: 'unknown' };
  if (runs(node) && !node.running.ok) return { sign: '!', role: 'warn' };
  return {};
}

function stateCell(node: RedisSurvey): Cell {
  if (known(node.running)?.loading) return { text: 'loading', role: 'warn' };
  if (runs(node)) return node.running.ok ? { text: 'running', role: 'good' } : { text: 'no answer', role: 'warn' };
  return node.process.ok ? { text: 'stopped', role: 'danger' } : { text: 'unknown', role: 'unknown' };
}

function roleText(node: RedisSurvey, view: View, mixed: boolean): string {
  const running = known(node.running);
  const masters = view.group.redis.filter(isMaster).length;
  if (running?.role === 'master') return 'master';
  if (running)
    return masters === 1 && linkedToMaster(node, view)
      ? 'replica'
      : `replica of ${nodeAt(view.group, running.masterAddress)}`;
  const config = known(node.config);
  if (!config) return '?';
  const of = config.replicaOf && `${config.replicaOf.host}:${config.replicaOf.port}`;
  return `${of === undefined ? 'master' : `replica of ${nodeAt(view.group, of)}`}${mixed ? ' (file)' : ''}`;
}

function linkedToMaster(node: RedisSurvey, view: View): boolean {
  const running = known(node.running);
  const master = view.group.redis.find(isMaster);
  return running?.masterLinkUp === true && running.masterAddress === `${master?.address}:${master?.port}`;
}

function endOf(node: RedisSurvey, view: View) {
  return view.diagnosis.lineage.ends.find((each) => each.node === node.node)?.end ?? candidateOf(node, view)?.end;
}

function candidateOf(node: RedisSurvey, view: View): Candidate | undefined {
  return view.diagnosis.candidates.find((each) => each.node === node.node);
}

function historyText(node: RedisSurvey, view: View): string {
  const end = endOf(node, view);
  if (!end) return '?';
  const letter = view.diagnosis.lineage.histories.find((each) => each.replid === end.replid)?.letter;
  return printable(letter ?? end.replid.slice(0, 8));
}

function offsetText(node: RedisSurvey, view: View): string {
  const end = endOf(node, view);
  return end ? shownOffset(end) : '?';
}

/** Bytes behind the only running master, where both are of one history; never across histories. */
function behindText(node: RedisSurvey, view: View): string {
  const running = known(node.running);
  const masters = view.group.redis.filter(isMaster);
  const master = known(masters[0]?.running);
  if (!running || running.role === 'master' || !master || masters.length !== 1) return '-';
  if (running.syncInProgress) return 'syncing';
  if (running.replid !== master.replid) return '?';
  return running.masterLinkUp === false
    ? `${behindBytes(master.offset, running.offset)}, link down`
    : behindBytes(master.offset, running.offset);
}

function behindBytes(master: bigint, replica: bigint): string {
  return bytes(master > replica ? master - replica : 0n);
}

/** When the files that the node would load were last written, on the operator's clock. */
function savedText(node: RedisSurvey, view: View): string {
  if (known(node.running)) return '-';
  const host = view.survey.hosts.find((each) => each.host === node.host);
  const skew = (host && known(host.clockOffsetMs)) ?? 0;
  const aof = known(node.aof);
  const newestAof = Math.max(0, ...(aof?.files ?? []).map((file) => file.mtimeMs));
  const loadsAof = known(node.config)?.appendonly === true && newestAof > 0;
  const at = loadsAof ? newestAof : known(node.rdbStat)?.mtimeMs;
  if (at === undefined) return node.rdbStat.ok || node.rdbStat.why !== 'absent' ? '?' : 'never';
  return clockTime(at - skew, view.utcOffsetMinutes, Date.parse(view.survey.at));
}

function keysText(node: RedisSurvey, view: View): string {
  const running = known(node.running);
  const keys = running && !running.loading ? running.keys : candidateOf(node, view)?.wouldLoadKeys;
  return keys === undefined ? '?' : grouped(keys);
}

function noteOf(node: RedisSurvey, view: View): string | undefined {
  const host = view.survey.hosts.find((each) => each.host === node.host);
  if (host && !host.reached.ok) return whyNot(host.reached);
  if (runs(node) && !node.running.ok) return whyNot(node.running);
  return !runs(node) && !node.process.ok ? whyNot(node.process) : undefined;
}
