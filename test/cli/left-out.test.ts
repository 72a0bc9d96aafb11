import { expect, test } from 'vitest';
import type { Judged } from '../../src/cli/compose.js';
import { pathToTake } from '../../src/cli/make-plan.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { noChoice } from '../../src/plan/choice.js';
import { judged, recorded } from '../scenarios/fixtures.js';

/** `replica-down`, with a file of a run for some of its nodes: the hold of a node, or the lock of a host. */
async function withFile(role: 'hold' | 'lock', ...nodes: readonly string[]): Promise<Judged> {
  const text = JSON.stringify({
    run: 'AB2C',
    who: 'ops@here',
    pid: 0,
    since: 'x',
    heartbeat: 'x',
    doing: 'x',
    token: 't',
  });
  const change = (raw: RawHost): RawHost => ({
    ...raw,
    files: raw.files.map((file) => {
      if (file.role !== role || !nodes.includes(file.node)) return file;
      const from = { host: raw.host, source: file.path };
      return { ...file, content: { ok: true, value: { text }, from, at: raw.at } };
    }),
  });
  const { inventory, raws, survey, diagnosis } = judged(await recorded('replica-down'), change);
  return { inventory, raw: raws, survey, diagnosis };
}

async function downReplica(): Promise<string> {
  const { group } = await recorded('replica-down');
  return group.redis.find((node) => node.process.ok && node.process.value === null)?.node ?? '';
}

test('a node that a run left out is no reason to stop the fleet that serves', async () => {
  const node = await downReplica();
  const left = await withFile('hold', node);
  expect(() => pathToTake(left, noChoice)).toThrowError(
    expect.objectContaining({
      word: 'blocked',
      message: `Run AB2C left ${node} out and holds it.`,
      next: expect.arrayContaining(['redis-runbook report AB2C']),
    }),
  );
  expect(pathToTake(left, { ...noChoice, path: 'cold' })).toBe('cold');
});

test('a run that was cut off is gone on with by the gentlest path: its lock, or a sentinel that it holds, is there', async () => {
  const node = await downReplica();
  expect(pathToTake(await withFile('lock', node), noChoice)).toBe('live');
  expect(pathToTake(await withFile('hold', node, `${node}/sentinel`), noChoice)).toBe('live');
});
