import type { BackupKeyspace } from '../../model/backup.js';
import { comparedWith, keyspaceOf } from '../../redis/keyspace.js';
import { infoOf, nodeAt, replyOf, withReader, withWriter } from '../node.js';
import type { ActionModule, At } from '../tools.js';

const STOP_MS = 60_000;
/** INFO counts in whole seconds, and a server that starts answers a little later. */
const FENCED_FROM_START_MS = 20_000;

/**
 * Counts the keys of each database against the backup's while writes are fenced. Keys without a time to live must be the
 * same, of the others some may be over. A node that holds anything else is stopped again, unsaved, and held: it must not
 * serve when the fence ends. Where clients may have written already (no fence in this version, or one that was raised
 * later) the counts are told and prove nothing.
 */
export const dataCompare: ActionModule<'data.compare'> = {
  changes: false,
  undo: { none: 'it only counts' },
  // Once clients may write, the counts are another matter.
  whenFinished: 'skip',
  look: async () => ({ state: 'not-done', says: 'counted each time' }),
  act: async (action, at) => {
    await nodeAt(at, action.node).host.checkClaim?.(at.signal);
    const { held, uptimeMs } = await withReader(at, action.node, async (reader) => ({
      held: keyspaceOf(await infoOf(reader, 'keyspace')),
      uptimeMs: Number((await infoOf(reader, 'server')).get('uptime_in_seconds') ?? '0') * 1000,
    }));
    if (action.databases === undefined)
      return { says: `holds ${keysIn(held)} keys; nothing could count the backup before` };
    const compared = comparedWith(action.databases, held);
    await at.evidence(`counted: ${compared.says}`, { databases: held, backup: action.databases });
    if (compared.same) return { says: compared.says, detail: { databases: held } };
    const open = notFenced(action.node, uptimeMs, at);
    if (open !== undefined) return { says: `${compared.says}; ${open}` };
    const stopped = await stopAgain(action.node, at).catch(
      (error: Error) => `it could not be stopped: ${error.message}`,
    );
    throw new Error(`it does not hold what the backup holds: ${compared.says}; ${stopped}`);
  },
};

function keysIn(rows: readonly BackupKeyspace[]): bigint {
  return rows.reduce((sum, { keys }) => sum + keys, 0n);
}

/** Why clients may have written since the node started; undefined when they may not. */
function notFenced(node: string, uptimeMs: number, at: At): string | undefined {
  const fence = at.memory.fences.get(node);
  if (fence === undefined) return 'clients may have written since: writes are not fenced';
  const gap = fence.gap();
  if (gap !== undefined) return `clients may have written since: the fence was open for a while (${gap})`;
  const beforeMs = uptimeMs - (at.tools.now().getTime() - Date.parse(fence.since));
  return beforeMs > FENCED_FROM_START_MS
    ? 'clients may have written since: it ran before writes were fenced'
    : undefined;
}

async function stopAgain(node: string, at: At): Promise<string> {
  const { entry, host } = nodeAt(at, node);
  const service = host.service(entry);
  await service.hold(at.tools.run, at.signal);
  await withWriter(at, node, (writer) => replyOf(writer, 'CONFIG SET', 'save', ''));
  const ended = await service.stop(STOP_MS, at.signal);
  if (ended === 'still-running') throw new Error('it still runs');
  return 'it was stopped again and is held';
}
