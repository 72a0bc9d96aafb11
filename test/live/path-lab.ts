import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort, sentinelPort } from '../../src/lab/layout.js';
import { askOnce, infoFields } from '../../src/lab/resp.js';
import { type LabOptions, labUp } from '../../src/lab/up.js';
import type { Resp } from '../../src/model/raw-host.js';
import { leftOn, removeLab } from './dead-fleet.js';

/** A lab for one use, taken down however that ends. */
export async function withLab(options: LabOptions, use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await labUp({ ownerPid: process.pid, ...options });
  try {
    await use(lab);
  } finally {
    await removeLab(lab);
  }
}

function addressOf(lab: Lab, name: string): string {
  return lab.hosts.find((host) => host.name === name)?.address ?? '';
}

/** One command to the redis of a host. */
export function askRedis(lab: Lab, name: string, ...words: readonly string[]): Promise<Resp> {
  return askOnce(addressOf(lab, name), redisPort, lab.password, ...words);
}

/** One command to the sentinel of a host. */
export function askSentinel(lab: Lab, name: string, ...words: readonly string[]): Promise<Resp> {
  return askOnce(addressOf(lab, name), sentinelPort, undefined, ...words);
}

/** A field of INFO of each of the hosts' redis. */
export async function infoOf(lab: Lab, field: string, ...names: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(names.map((name) => askRedis(lab, name, 'INFO')));
  return texts.map((text) => infoFields(text).get(field) ?? '');
}

/** Kills the sentinels of these hosts; of all of them when none is named. */
export async function killSentinels(lab: Lab, ...names: readonly string[]): Promise<void> {
  const wanted = names.length === 0 ? lab.hosts.map((host) => host.name) : names;
  await Promise.all(wanted.map((name) => lab.kill(name, 'sentinel', 'SIGKILL')));
}

/** Waits until it holds; fails with the words after half a minute. */
export async function seen(says: string, holds: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`not seen within ${limitMs / 1000} s: ${says}`);
    await sleep(50);
  }
}

/** Writes that are missing and keys that nobody wrote, counted. */
export async function notRight(lab: Lab): Promise<{ missing: number; extra: number }> {
  const { missing, extra } = await lab.checkWrites();
  return { missing: missing.length, extra: extra.length };
}

/** Nothing is missing or left behind, a power cycle changes nothing, and the next failover works. */
export async function expectSound(lab: Lab, master: string): Promise<void> {
  expect(leftOn(lab)).toEqual([]);
  expect(await lab.master()).toBe(master);
  expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
  expect((await lab.powerCycle({ stop: 'clean', limitMs: 60_000 })).master).toBe(master);
  expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
  expect((await lab.failoverDrill(60_000)).from).toBe(master);
}
