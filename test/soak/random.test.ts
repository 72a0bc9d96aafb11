import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { prngOf } from '../../src/lab/prng.js';
import { killedAt, newestRun } from '../live/cut.js';
import { type DeadFleet, deadFleet, expectHealthy } from '../live/dead-fleet.js';
import { type Ended, piped } from '../live/pipes.js';
import { type LiveFleet, liveFleet } from '../live/undone.js';
import { disturb, disturbances } from './disturbed.js';

const runs = Number(process.env.RUNBOOK_SOAK_EACH ?? '200');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '900');
/** Statuses that say what is true; 70 is a mistake of the tool, 2 a mistake of whoever typed. */
const told = [0, 1, 3, 4, 5, 7, 8, 9, 10];
/** A disk of its own for one directory takes a mount. */
const usable = process.getuid?.() === 0 ? disturbances : disturbances.filter((each) => !each.endsWith('-disk'));
const sum = { runs: 0, cutOff: 0, resumed: 0, planned: 0, lost: 0 };

let dead: DeadFleet;
let live: LiveFleet;
beforeAll(async () => {
  dead = await deadFleet('cascade-clean', firstSeed);
  live = await liveFleet(firstSeed);
});
afterAll(() => {
  dead.remove();
  live.remove();
  console.log(
    `seeds ${firstSeed} to ${firstSeed + runs - 1}: ${sum.runs} runs, ${sum.cutOff} killed as well, ` +
      `${sum.resumed} gone on with by resume, ${sum.planned} planned anew, lost ${sum.lost}${usable === disturbances ? '' : '; full disks need root and were not tried'}`,
  );
});

describe('a run in the middle of which something else happens', () => {
  test.concurrent.each(Array.from({ length: runs }, (_, index) => firstSeed + index))('seed %i', async (seed) => {
    const prng = prngOf(seed);
    const fleet = prng.chance(0.5) ? dead : live;
    await fleet.withCopy((lab) => oneRun(lab, seed, fleet === live));
  });
});

async function oneRun(lab: Lab, seed: number, serves: boolean): Promise<void> {
  const prng = prngOf(seed ^ 0xd15);
  const what = disturb(usable[seed % usable.length] ?? 'kill-redis', lab, prng);
  const args = ['recover', '--yes', ...(serves ? ['--path', 'cold'] : [])];
  const line = prng.between(3, 150);
  const alsoKilled = prng.chance(0.5);
  try {
    const ended = await killedAt(lab, args, { line, before: what.happen, spare: !alsoKilled });
    sum.runs += 1;
    if (ended.killed) sum.cutOff += 1;
    const why = `seed ${seed}, ${what.says} at line ${line}\n${ended.stdout}${ended.stderr}`;
    if (!ended.killed) expect(told, why).toContain(ended.status);
    expect(ended.stdout + ended.stderr, why).not.toMatch(/mistake of the tool|\n\s+at .*\.js:\d+/);
    await expectTold(lab, why);
    what.over();
    await goOn(lab, why);
    if (what.line) expect(readFileSync(what.line.path, 'utf8'), why).toContain(what.line.text);
  } finally {
    await endRedis(lab);
    what.remove();
  }
}

/** A server whose directory is no longer mounted is not known as the lab's own any more, and would stay. */
async function endRedis(lab: Lab): Promise<void> {
  for (const { name, address, runs } of lab.hosts) {
    const isOn = lab.running().some((one) => one.address === address && one.kind === 'redis');
    if (runs.includes('redis') && isOn) await lab.kill(name, 'redis', 'SIGKILL');
  }
}

/** What `status` says of who runs is what the lab's own look at the processes finds. */
async function expectTold(lab: Lab, why: string): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const status = await piped(lab, ['status', '--json']);
    const says = runningBy(status);
    const seen = lab
      .running()
      .filter((one) => !one.child)
      .map((one) => `${lab.hosts.find((host) => host.address === one.address)?.name}/${one.kind}`)
      .sort();
    if (JSON.stringify(says) === JSON.stringify(seen)) return;
    if (performance.now() > until) expect(says, `${why}\n${status.stdout}${status.stderr}`).toEqual(seen);
  }
}

interface Told {
  readonly survey: {
    readonly groups: Readonly<Record<string, { readonly redis: readonly Node[]; readonly sentinels: readonly Node[] }>>;
  };
}
interface Node {
  readonly host: string;
  readonly process: { readonly ok: boolean; readonly value?: unknown };
}

function runningBy({ stdout }: Ended): readonly string[] {
  const [group] = Object.values((JSON.parse(stdout) as Told).survey.groups);
  const names = (nodes: readonly Node[], kind: string) =>
    nodes.filter((node) => node.process.ok && node.process.value !== null).map((node) => `${node.host}/${kind}`);
  return [...names(group?.redis ?? [], 'redis'), ...names(group?.sentinels ?? [], 'sentinel')].sort();
}

/** A look that did not get its answers in time (4) is made again. */
async function isHealthy(lab: Lab): Promise<boolean> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { status } = await piped(lab, ['status', '--quiet']);
    if (status !== 4) return status === 0;
  }
  return false;
}

/** What it asks for is given in the words that it names: a master that was killed may have had writes that are nowhere. */
async function recoverAnew(lab: Lab): Promise<Ended> {
  const words = ['recover', '--yes', '--path', 'cold'];
  const first = await piped(lab, words);
  if (first.status !== 3) return first;
  const [, promote, kind, nodes] =
    /--promote (\S+) --(accept-loss|set-aside) (\S+)/.exec(first.stdout + first.stderr) ?? [];
  if (promote === undefined) return first;
  return piped(lab, [...words, '--promote', promote, `--${kind}`, nodes ?? '', '--reason', 'something else happened']);
}

/** Whatever it came to, the fleet can be brought to its healthy end with what the tool offers, and nothing is lost. */
async function goOn(lab: Lab, before: string): Promise<void> {
  let why = before;
  for (let tries = 0; tries < 5; tries += 1) {
    if (await isHealthy(lab)) break;
    const run = newestRun(lab)?.run;
    const resumed = run === undefined ? undefined : await piped(lab, ['resume', run, '--yes']);
    why += `\n--- resume ${resumed?.status}\n${resumed?.stdout}${resumed?.stderr}`;
    if (resumed?.status === 0) {
      sum.resumed += 1;
      continue;
    }
    const anew = await recoverAnew(lab);
    why += `\n--- recover ${anew.status}\n${anew.stdout}${anew.stderr}`;
    expect(told, why).toContain(anew.status);
    if (anew.status === 0) sum.planned += 1;
  }
  await expectHealthy(lab, why);
  const checked = await lab.checkWrites();
  sum.lost += checked.missing.length;
  expect({ missing: checked.missing, extra: checked.extra }, why).toEqual({ missing: [], extra: [] });
}
