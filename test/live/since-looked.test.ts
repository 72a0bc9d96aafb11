import { afterAll, beforeAll, expect, it } from 'vitest';
import { acceptedSince } from '../../src/execute/since-looked.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import type { RunningRedis } from '../../src/model/survey.js';
import { weighedAt } from '../../src/plan/weighed.js';
import { parseRunningRedis } from '../../src/redis/info.js';
import { OwnRedis, rawCommand, waitFor } from './own-redis.js';

const own = new OwnRedis();
let node: NodeEntry;

beforeAll(async () => {
  node = (await own.host('alone')).entry.nodes[0] as NodeEntry;
  await own.config(node, ['save ""']);
  await own.start(node);
});
afterAll(() => own.end());

async function asked(...commands: string[][]): Promise<RunningRedis> {
  if (commands.length > 0) await rawCommand(node.address, node.port, ...commands);
  const answer = await rawCommand(node.address, node.port, ['INFO', 'all']);
  return parseRunningRedis(answer.slice(answer.indexOf('\r\n') + 2));
}

it('a master without a replica takes writes at an offset that stands still; they are seen all the same', async () => {
  const before = await asked(['SET', 'a', '1']);
  expect(before).toMatchObject({ backlogActive: false, offset: 0n, writeCalls: 1n });
  const then = weighedAt(before);
  expect(acceptedSince(then, await asked(['GET', 'a'], ['BGSAVE']))).toBeUndefined();

  const written = await asked(['EVAL', "return redis.call('SET', KEYS[1], 2)", '1', 'a'], ['SAVE']);
  expect(written.offset).toBe(before.offset);
  expect(acceptedSince(then, written)).toBe('1 write');
  const more = await asked(['MULTI'], ['INCR', 'n'], ['XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM'], ['EXEC']);
  expect(acceptedSince(then, more)).toBe('3 writes');

  const back = await asked(['CONFIG', 'RESETSTAT']);
  expect(acceptedSince(weighedAt(more), back)).toContain('what nobody can tell');
  const { writeCalls: _, ...untold } = more;
  expect(acceptedSince(weighedAt(untold), more)).toContain('what nobody can tell');
});

it('what it took before its first replica is told: the backlog that comes with that begins where the offset stood still', async () => {
  const then = weighedAt(await asked());
  const copy = (await own.host('copy')).entry.nodes[0] as NodeEntry;
  await own.config(copy, ['save ""', `replicaof ${node.address} ${node.port}`]);
  await asked(['CONFIG', 'SET', 'repl-diskless-sync-delay', '0'], ['SET', 'b', '1']);
  await own.start(copy);
  const now = await waitFor('the first replica', async () => {
    const running = await asked();
    return running.backlogActive ? running : undefined;
  });
  expect(acceptedSince(then, { ...now, offset: then.offset })).toBe('writes of another history');
});
