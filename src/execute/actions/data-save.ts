import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisReader } from '../../hosts/host.js';
import { lastLogWords } from '../last-words.js';
import { configOf, infoOf, nodeAt, pidOf, replyOf, withWriter } from '../node.js';
import { type ActionModule, type At, Unsure } from '../tools.js';

const LIMIT_MS = 30 * 60_000;
const POLL_MS = 100;

/**
 * BGSAVE on a running node, waited for, so that the file kept next is fresh. Done = no save under way, status ok, and
 * `rdb_saves` or the save time moved (INFO persistence; LASTSAVE alone has a resolution of one second).
 */
export const dataSave: ActionModule<'data.save'> = {
  changes: false,
  undo: { none: 'the file on disk is only newer than it was' },
  whenFinished: 'skip',
  look: async (action, at) => {
    const pid = await pidOf(at, action.node);
    return pid === null
      ? { state: 'done', says: 'not running, nothing to save' }
      : { state: 'not-done', says: 'running' };
  },
  act: (action, at) =>
    withWriter(at, action.node, async (writer) => {
      const before = await untilIdle(writer, at);
      await replyOf(writer, 'BGSAVE');
      const after = await untilIdle(writer, at);
      const status = after.get('rdb_last_bgsave_status');
      if (status !== 'ok') throw new Error(`BGSAVE ended with status ${status}${await why(writer, action.node, at)}`);
      if (!moved(before, after)) throw new Error('BGSAVE was accepted, but no save was recorded');
      const seconds = after.get('rdb_last_bgsave_time_sec') ?? '?';
      return { says: `saved to disk in ${seconds} s`, detail: { savedAtSeconds: after.get('rdb_last_save_time') } };
    }),
};

async function why(reader: RedisReader, node: string, at: At): Promise<string> {
  const dir = (await configOf(reader, 'dir')) ?? '';
  const words = await lastLogWords(nodeAt(at, node).named, dir, await configOf(reader, 'logfile'), at.signal);
  return words.length === 0 ? ": the node's log says why" : `; its log ends: ${words.join('; ')}`;
}

function moved(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): boolean {
  if (after.has('rdb_saves')) return Number(after.get('rdb_saves')) > Number(before.get('rdb_saves'));
  return Number(after.get('rdb_last_save_time')) >= Number(before.get('rdb_last_save_time'));
}

async function untilIdle(reader: RedisReader, at: At): Promise<ReadonlyMap<string, string>> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const info = await infoOf(reader, 'persistence');
    const busy = ['rdb_bgsave_in_progress', 'aof_rewrite_in_progress', 'aof_rewrite_scheduled', 'loading'];
    if (busy.every((field) => info.get(field) !== '1')) return info;
    if (performance.now() > until) throw new Unsure('the save did not end within 30 minutes');
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
}
