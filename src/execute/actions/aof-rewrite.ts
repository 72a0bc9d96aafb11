import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisReader } from '../../hosts/host.js';
import { configOf, infoOf, replyOf, withReader, withWriter } from '../node.js';
import { type ActionModule, type At, Unsure } from '../tools.js';

const LIMIT_MS = 30 * 60_000;
const POLL_MS = 100;

/**
 * Rewrites the append-only file and waits for it, before clients may write: after a torn tail an open MULTI would
 * swallow every later write at the next load (seen on 6.0.20 and 7.0.15).
 */
export const aofRewrite: ActionModule<'aof.rewrite'> = {
  changes: true,
  undo: { none: 'the rewritten file holds the same data; the file as it was is kept' },
  whenFinished: 'skip',
  look: (action, at) =>
    withReader(at, action.node, async (reader) => {
      if ((await configOf(reader, 'appendonly')) !== 'yes')
        return { state: 'done', says: 'no append-only file in use' };
      return { state: 'not-done', says: 'append-only file in use' };
    }),
  act: (action, at) =>
    withWriter(at, action.node, async (writer) => {
      await untilIdle(writer, at);
      await replyOf(writer, 'BGREWRITEAOF');
      const status = await untilIdle(writer, at);
      if (status !== 'ok') throw new Error(`the rewrite of the append-only file ended with status ${status}`);
      return { says: 'append-only file rewritten' };
    }),
};

async function untilIdle(reader: RedisReader, at: At): Promise<string> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const info = await infoOf(reader, 'persistence');
    const idle = info.get('aof_rewrite_in_progress') === '0' && info.get('aof_rewrite_scheduled') === '0';
    if (idle && info.get('loading') !== '1') return info.get('aof_last_bgrewrite_status') ?? 'unknown';
    if (performance.now() > until) throw new Unsure('the rewrite did not end within 30 minutes');
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
}
