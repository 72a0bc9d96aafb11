import type { RedisWriter } from '../hosts/host.js';
import { infoOf, openWriterTo, replyOf } from './node.js';
import type { At, FenceKeeper } from './tools.js';

/** How often the pause is renewed, and how long each renewal lasts: a run that dies leaves the fence for at most this long. */
const RENEW_MS = 1000;
const LENGTH_MS = 5000;

/**
 * Whether a server can pause writes only: `CLIENT PAUSE ms WRITE` came with 6.2 (Valkey reports 7.2.4 and can).
 * Older ones would pause reads, PING and PUBLISH as well, which makes sentinels see the node as down.
 */
export function canFence(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 2);
}

/** Raises the fence and renews it every second until it is ended. Undefined when the server is too old. Throws when the node does not answer. */
export async function raiseFence(at: At, node: string): Promise<FenceKeeper | undefined> {
  let writer = await openWriterTo(at, node);
  const version = (await infoOf(writer, 'server')).get('redis_version') ?? '0';
  if (!canFence(version)) {
    writer.close();
    return undefined;
  }
  await pause(writer);
  const state: { gap?: string; busy: Promise<void>; ended: boolean } = { busy: Promise.resolve(), ended: false };

  async function renew(): Promise<void> {
    try {
      await pause(writer);
    } catch (error) {
      state.gap = error instanceof Error ? error.message : String(error);
      writer.close();
      if (!state.ended) writer = await openWriterTo(at, node).catch(() => writer);
    }
  }
  const timer = setInterval(() => {
    state.busy = state.busy.then(renew);
  }, RENEW_MS);

  async function end(lift: boolean): Promise<string> {
    state.ended = true;
    clearInterval(timer);
    await state.busy;
    try {
      if (!lift) return `no longer renewed: it ends by itself within ${LENGTH_MS / 1000} s`;
      await replyOf(writer, 'CLIENT UNPAUSE');
      return 'lifted';
    } finally {
      writer.close();
    }
  }
  return { node, since: at.tools.now().toISOString(), gap: () => state.gap, end };
}

async function pause(writer: RedisWriter): Promise<void> {
  await replyOf(writer, 'CLIENT PAUSE', String(LENGTH_MS), 'WRITE');
}
