import { RunbookError } from '../../errors.js';
import { nodeAt } from '../../execute/node.js';
import type { WritableHost } from '../../hosts/host.js';
import { known } from '../../model/seen.js';
import type { Survey } from '../../model/survey.js';
import { chooseSource } from '../choose.js';
import type { BackupWriter, Repository } from '../repository/repository.js';
import { sourceFacts } from './facts.js';
import { release, stillHeld, sweepHeld } from './held-files.js';
import { leaveMark, type Mark } from './mark.js';
import { type Noted, readNoted } from './noted.js';
import { entryIn, until } from './reach.js';
import type { TakeRequest } from './request.js';
import { finishFrom, type Taken, type TakeTools, takeNew } from './take.js';
import { untilFleetIsFree, watchFleet } from './watch.js';

/** A backup of one group, whose source is still to be chosen. */
export interface GroupOrder extends Omit<TakeRequest, 'node' | 'chosenBecause'> {
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
  await untilFleetIsFree([...tools.reach.tools.hosts.values()], order.waitMs, tools.tell, tools.reach.signal);
  const resumed = await resumable(order, tools);
  if (resumed !== undefined)
    return working(
      order,
      resumed.noted.node,
      resumed.writer,
      tools,
      (request, own) => {
        tools.tell(`going on with ${resumed.writer.ref.id}, ${resumed.writer.finished.length} files are there`);
        return finishFrom(request, resumed.noted, resumed.writer, own);
      },
      resumed.noted.manifest.chosenBecause,
    );
  const chosen = await choose(order, tools);
  const writer = await tools.repository.begin({ ...order.scope, kind: order.kind }, tools.now());
  tools.tell(chosen.because);
  return working(order, chosen.node, writer, tools, (request, own) => takeNew(request, writer, own), chosen.because);
}

async function choose(
  order: GroupOrder,
  { reach }: TakeTools,
): Promise<{ readonly node: string; readonly because: string }> {
  const nodes = order.seen.groups[order.scope.group]?.redis ?? [];
  const { facts, silent } = await sourceFacts(reach, nodes);
  const choice = chooseSource(facts, order);
  if (choice.ok) return choice;
  throw new RunbookError('blocked', `No node of ${order.scope.group} can give a backup now.`, {
    facts: [...choice.ruledOut, ...silent].map(({ node, why }) => `${node}: ${why}`),
    next: ['redis-runbook status', 'redis-runbook doctor'],
  });
}

type Work = (request: TakeRequest, tools: TakeTools) => Promise<Taken>;

/** Marks the host, watches for a run that takes the fleet, works, and settles the writer whatever comes. */
async function working(
  order: GroupOrder,
  node: string,
  writer: BackupWriter,
  tools: TakeTools,
  work: Work,
  chosenBecause: string,
): Promise<Taken> {
  const entry = entryIn(tools.reach.tools.inventory, node);
  let mark: Mark | undefined;
  const { host } = nodeAt(tools.reach, node);
  const { scope } = order;
  const startedAt = tools.now().toISOString();
  await tools.repository.noteTry(scope, { ...tryOf(startedAt, node, writer), outcome: 'under-way' });
  try {
    mark = await markOn(host, order, node, writer.ref.id, tools);
    await sweepGroup(order, writer.ref.id, tools);
    const watch = watchFleet(host, mark, tools.reach.signal);
    try {
      const own = { ...tools, reach: until(tools.reach, watch.signal) };
      const taken = await work({ ...order, node: entry, chosenBecause }, own);
      const sizeBytes = taken.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0n);
      const endedAt = tools.now().toISOString();
      await tools.repository.noteTry(scope, { ...tryOf(startedAt, node, writer), endedAt, outcome: 'good', sizeBytes });
      return taken;
    } catch (error) {
      throw watch.signal.aborted && watch.signal.reason instanceof RunbookError ? watch.signal.reason : error;
    } finally {
      await watch.end();
    }
  } catch (error) {
    await giveUp(writer, error);
    const why = (error instanceof Error ? error.message : String(error)).replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);
    const endedAt = tools.now().toISOString();
    await tools.repository
      .noteTry(scope, { ...tryOf(startedAt, node, writer), endedAt, outcome: 'failed', why })
      .catch(() => undefined);
    throw error;
  } finally {
    await mark?.remove();
  }
}

function tryOf(startedAt: string, node: string, writer: BackupWriter) {
  return { schema: 'redis-runbook/backup-try/1' as const, startedAt, node, backup: writer.ref.id };
}

/** What a host that went away still holds can be gone on with; anything else has nothing to go on from. */
async function giveUp(writer: BackupWriter, error: unknown): Promise<void> {
  const lost =
    error instanceof Error &&
    (error.name === 'ChannelLost' || (error instanceof RunbookError && error.word === 'unreachable'));
  await (lost ? writer.leave() : writer.discard()).catch(() => undefined);
}

async function markOn(
  host: WritableHost,
  order: GroupOrder,
  node: string,
  id: string,
  { reach, tell }: TakeTools,
): Promise<Mark | undefined> {
  const seen = order.seen.hosts.find((each) => each.host === host.entry.name);
  const offset = known(seen?.clockOffsetMs) ?? 0;
  try {
    return await leaveMark(host, { id, who: order.who, node }, offset, reach.signal);
  } catch (error) {
    if (error instanceof RunbookError && error.word === 'locked') throw error;
    const why = error instanceof Error ? error.message : String(error);
    tell(`no mark could be left on ${host.entry.name}, so another backup would not see this one: ${why}`);
    return undefined;
  }
}

async function sweepGroup(order: GroupOrder, except: string, { reach, tell }: TakeTools): Promise<void> {
  for (const node of order.seen.groups[order.scope.group]?.redis ?? []) {
    if (!node.running.ok) continue;
    const swept = await sweepHeld(reach, node.node, except).catch(() => []);
    if (swept.length > 0)
      tell(`${node.node}: removed what was held for backups that were cut off (${swept.join(', ')})`);
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
  const fits = noted !== undefined && (order.named.length === 0 || order.named.includes(noted.node));
  if (fits && (await stillHeld(reach, noted.node, noted.held).catch(() => false))) return { writer, noted };
  if (fits) await release(reach, noted.node, noted.held).catch(() => undefined);
  tell(`${id} was cut off and cannot be gone on with: removed`);
  await writer.discard();
  return undefined;
}
