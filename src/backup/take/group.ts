import { RunbookError } from '../../errors.js';
import { nodeAt } from '../../execute/node.js';
import type { WritableHost } from '../../hosts/host.js';
import { known } from '../../model/seen.js';
import type { Survey } from '../../model/survey.js';
import { chooseSource, type SnapshotWay } from '../choose.js';
import type { BackupWriter, Repository } from '../repository/repository.js';
import { stillHeld } from './count-held.js';
import { sourceFacts } from './facts.js';
import { failureOf } from './failure.js';
import { release, sweepHeld } from './held-files.js';
import { leaveMark, type Mark, refuseOthers } from './mark.js';
import { type Noted, readNoted } from './noted.js';
import { quickVerify } from './quick.js';
import { entryIn, until } from './reach.js';
import type { TakeRequest } from './request.js';
import { finishFrom, type Taken, takeNew } from './take.js';
import { takeStream } from './take-stream.js';
import type { TakeTools } from './take-tools.js';
import { untilFleetIsFree, type Watch, watchFleet } from './watch.js';

/** A backup of one group, whose source is still to be chosen. */
export interface GroupOrder extends Omit<TakeRequest, 'node' | 'role' | 'way' | 'chosenBecause'> {
  /** How a snapshot is to leave the node; undefined = what fits it. */
  readonly way: SnapshotWay | undefined;
  /** Nodes of the group that the operator named; empty = any. */
  readonly named: readonly string[];
  /** How long a run that holds the fleet is waited for, milliseconds; 0 = not at all. */
  readonly waitMs: number;
  /** The look at the fleet from a moment ago. */
  readonly seen: Survey;
  /** `user@machine` of the operator, as marks show it. */
  readonly who: string;
}

/** Older snapshots are not gone on with: whoever asks for a backup means the data of now. */
const RESUME_WITHIN_MS = 60 * 60_000;

/**
 * Makes one backup of one group: waits for a run that holds the fleet, goes on with a fresh backup that was cut off, or
 * chooses the source and begins. Rejects with RunbookError `locked`, `blocked` (no node fits), `backup-failed`, `changed`, or
 * what the repository says; then nothing is held on the fleet any more, unless its host is out of reach.
 */
export async function backupGroup(order: GroupOrder, tools: TakeTools): Promise<Taken> {
  const startedAt = tools.now().toISOString();
  const hosts = [...tools.reach.tools.hosts.values()];
  try {
    await untilFleetIsFree(hosts, order.waitMs, tools.tell, tools.reach.signal);
  } catch (error) {
    await noteFailed(order, startedAt, error, tools);
    throw error;
  }
  const resumed = await resumable(order, tools);
  if (resumed === undefined) return begun(order, startedAt, tools);
  const { writer, noted } = resumed;
  tools.tell(`going on with ${writer.ref.id}: ${writer.finished.length} files are there`);
  const work: Work = (request, own) =>
    finishFrom(request, noted, writer, own).catch(async (error: unknown) => {
      await release(own.reach, noted.node, noted.held);
      throw error;
    });
  const source: Source = {
    node: noted.node,
    role: noted.manifest.source.role,
    way: 'bgsave',
    because: noted.manifest.chosenBecause,
  };
  return working(order, source, writer, tools, work);
}

async function begun(order: GroupOrder, startedAt: string, tools: TakeTools): Promise<Taken> {
  const writer = await tools.repository.begin({ ...order.scope, kind: order.kind }, tools.now());
  try {
    const chosen = await choose(order, tools);
    tools.tell(chosen.because);
    const take = chosen.way === 'stream' ? takeStream : takeNew;
    const work: Work = (request, own) => take(request, writer, own);
    return await working(order, chosen, writer, tools, work);
  } catch (error) {
    if (!(error instanceof RunbookError && error.word === 'blocked')) throw error;
    await writer.discard().catch(() => undefined);
    await noteFailed(order, startedAt, error, tools);
    throw error;
  }
}

/** A try that came to nothing is told by `backup status`, wherever it ended. */
async function noteFailed(order: GroupOrder, startedAt: string, error: unknown, tools: TakeTools): Promise<void> {
  const why = printable(error instanceof Error ? error.message : String(error));
  const endedAt = tools.now().toISOString();
  const noted = { schema: 'redis-runbook/backup-try/1', startedAt, endedAt, outcome: 'failed', why } as const;
  await tools.repository.noteTry(order.scope, noted).catch(() => undefined);
}

/** Where a backup comes from, how, and why. */
interface Source {
  readonly node: string;
  readonly role: TakeRequest['role'];
  readonly way: SnapshotWay;
  readonly because: string;
}

async function choose(order: GroupOrder, { reach }: TakeTools): Promise<Source> {
  const seen = order.seen.groups[order.scope.group];
  const { facts, silent } = await sourceFacts(reach, seen?.redis ?? []);
  const choice = chooseSource(facts, order);
  if (choice.ok) return choice;
  throw new RunbookError('blocked', `No node of ${order.scope.group} can give a backup now.`, {
    facts: [...choice.ruledOut, ...silent].map(({ node, why }) => `${node}: ${why}`),
    next: ['redis-runbook status', 'redis-runbook doctor'],
  });
}

type Work = (request: TakeRequest, tools: TakeTools) => Promise<Taken>;

/** Marks the host, watches for a run that takes the fleet, works, reads back, and settles the writer whatever comes. */
async function working(
  order: GroupOrder,
  { node, role, way, because }: Source,
  writer: BackupWriter,
  tools: TakeTools,
  work: Work,
): Promise<Taken> {
  const { host } = nodeAt(tools.reach, node);
  const { repository } = tools;
  const begun = {
    schema: 'redis-runbook/backup-try/1',
    startedAt: tools.now().toISOString(),
    node,
    backup: writer.ref.id,
  } as const;
  let watch: Watch | undefined;
  let mark: Mark | undefined;
  try {
    await repository.noteTry(order.scope, { ...begun, outcome: 'under-way' });
    mark = await markOn(host, order, node, writer.ref.id, tools);
    watch = watchFleet(host, mark, tools.reach.signal);
    const own = { ...tools, reach: until(tools.reach, watch.signal) };
    await sweepGroup(order, writer.ref.id, own);
    const entry = entryIn(tools.reach.tools.inventory, node);
    const taken = await work({ ...order, node: entry, role, way, chosenBecause: because }, own);
    await quickVerify(taken.ref, taken.stored, { ...tools, signal: tools.reach.signal });
    const sizeBytes = taken.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0n);
    await repository.noteTry(order.scope, { ...begun, endedAt: tools.now().toISOString(), outcome: 'good', sizeBytes });
    return taken;
  } catch (error) {
    const failure = failureOf(error, node, watch?.signal ?? tools.reach.signal);
    await giveUp(writer, host);
    const why = printable(failure instanceof Error ? failure.message : String(failure));
    const ended = { ...begun, endedAt: tools.now().toISOString(), outcome: 'failed', why } as const;
    await repository.noteTry(order.scope, ended).catch(() => undefined);
    throw failure;
  } finally {
    await watch?.end();
    await mark?.remove();
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);
}

/** What a host that went away still holds can be gone on with; anything else was let go, and there is nothing to go on from. */
async function giveUp(writer: BackupWriter, host: WritableHost): Promise<void> {
  const answers = (await host.stat('/')).ok;
  await (answers ? writer.discard() : writer.leave()).catch(() => undefined);
}

async function markOn(
  host: WritableHost,
  order: GroupOrder,
  node: string,
  id: string,
  { reach, tell }: TakeTools,
): Promise<Mark | undefined> {
  const marker = { id, who: order.who, group: order.scope.group, node };
  try {
    return await leaveMark(host, marker, clockOffset(order, host), reach.signal);
  } catch (error) {
    if (error instanceof RunbookError && error.word === 'locked') throw error;
    const why = error instanceof Error ? error.message : String(error);
    tell(`no mark could be left on ${host.entry.name}, so another backup would not see this one: ${why}`);
    return undefined;
  }
}

function clockOffset(order: GroupOrder, host: WritableHost): number {
  return known(order.seen.hosts.find((each) => each.host === host.entry.name)?.clockOffsetMs) ?? 0;
}

/**
 * Two members of a group never save at once: rejects while another backup of it works anywhere. Then the links that
 * killed backups left go: they keep the space of files that their nodes have replaced since.
 */
async function sweepGroup(order: GroupOrder, id: string, { reach, tell }: TakeTools): Promise<void> {
  const marker = { id, who: order.who, group: order.scope.group };
  const nodes = (order.seen.groups[order.scope.group]?.redis ?? []).filter(({ running }) => running.ok);
  for (const { node } of nodes) {
    const { host } = nodeAt(reach, node);
    await refuseOthers(host, marker, clockOffset(order, host), reach.signal);
  }
  for (const { node } of nodes) {
    const swept = await sweepHeld(reach, node, id).catch(() => []);
    if (swept.length > 0) tell(`${node}: removed what was held for backups that were cut off (${swept.join(', ')})`);
  }
}

interface Resumable {
  readonly writer: BackupWriter;
  readonly noted: Noted;
}

/** The newest backup that was cut off, when all that it held is still there; the others of the last hour are removed. */
async function resumable(order: GroupOrder, tools: TakeTools): Promise<Resumable | undefined> {
  const { backups } = await tools.repository.list(order.scope);
  const young = backups.filter(
    (ref) =>
      ref.state === 'partial' &&
      ref.kind === order.kind &&
      Math.abs(tools.now().getTime() - Date.parse(ref.begunAt)) < RESUME_WITHIN_MS,
  );
  for (const ref of young.toReversed()) {
    const found = await tryResume(order, ref.id, tools.repository, tools);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function tryResume(
  order: GroupOrder,
  id: string,
  repository: Repository,
  { reach, now, tell }: TakeTools,
): Promise<Resumable | undefined> {
  const writer = await repository.begin({ ...order.scope, kind: order.kind, resume: id }, now());
  const noted = readNoted(writer.noted);
  // What is held was saved by BGSAVE; whoever asks for the stream means another way.
  const isWanted = noted !== undefined && order.way !== 'stream';
  const fits = isWanted && (order.named.length === 0 || order.named.includes(noted.node));
  if (fits && (await stillHeld(reach, noted.node, noted.held).catch(() => false))) return { writer, noted };
  if (fits) await release(reach, noted.node, noted.held).catch(() => undefined);
  tell(`${id} was cut off and cannot be gone on with: removed`);
  await writer.discard();
  return undefined;
}
