import { afterAll, beforeAll, expect, it } from 'vitest';
import { acceptedSince } from '../../src/execute/since-looked.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import type { RunningRedis } from '../../src/model/survey.js';
import { weighedAt } from '../../src/plan/weighed.js';
import { parseRunningRedis } from '../../src/redis/info.js';
import { OwnRedis, rawCommand } from './own-redis.js';

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
