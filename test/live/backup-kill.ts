import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Prng, prngOf } from '../../src/lab/prng.js';
import { openResp } from '../../src/lab/resp.js';
import { type BackupBench, backupsIn, heldOn, placeOf } from './backup-lab.js';
import { startBackup } from './backup-started.js';
import { waitFor } from './own-redis.js';
import { childrenOf, kill, type OwnSshd } from './own-sshd.js';

export interface Killed {
  /** Whether the kill fell between the first and the last moment of a backup: the moments that came too late are drawn again. */
  readonly isInside: boolean;
  /** How the run ended: null = by our signal. */
  readonly status: number | null;
  /** Words on stderr of a run that ended by itself. */
  readonly said: string;
  /** Backups that were listed as complete and are not good. */
  readonly bad: readonly string[];
  readonly nextStatus: number | null;
  readonly nextSaid: string;
  /** What was still there once the next backup was made. */
  readonly left: {
    readonly partial: readonly string[];
    readonly held: readonly string[];
    readonly marks: readonly string[];
  };
  /** What the node says of its rewrites, when it is not what it said before. */
  readonly rewrites: string | undefined;
  /** Whether something of ours still runs on the host: pids. */
  readonly running: readonly number[];
}

/** What a seed has killed on the side of the host, where it is reached over ssh. */
const targets = ['sessions', 'commands', 'one command', 'the save'] as const;

const SLOW = ['--limit-rate', '400k'];
/** Moments that a seed may draw until one falls inside: the machine may be faster now than when the length was measured. */
const MOST_DRAWS = 5;
/** A save of the bench is over in a moment: this makes its server take so long over each key. */
const SAVE_DELAY_MICROS = 1000;
/** Of the more than half a second that it takes then. */
const WITHIN_SAVE_MS = 400;

type Side = 'operator' | 'host' | 'connection';

/**
 * One backup, killed at a moment that the seed draws, each of its length as likely as the others: the operator's process, the
 * redis that is copied from, or, with a bench that is reached over ssh, sessions, what runs in them, or the child that saves.
 */
export async function killOnce(
  bench: BackupBench,
  side: Side,
  seed: number,
  servers: ReadonlyMap<string, OwnSshd> = new Map(),
): Promise<Killed> {
  const prng = prngOf(seed);
  const kind = prng.chance(0.5) ? 'rdb' : 'aof';
  const how = kind === 'rdb' && prng.chance(0.4) ? ['--engine', 'stream'] : ['--kind', kind];
  const what = prng.pick(targets.filter((target) => kind === 'rdb' || target !== 'the save'));
  const master = await waitFor('a master', () => bench.lab.master());
  const node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const lengthMs = await lengthOf(bench, node, how);
  const before = new Set((await backupsIn(bench)).filter(({ complete }) => complete).map(({ name }) => name));
  const rewrites = await rewritesOf(bench, node);
  const sshd = servers.get(node);
  const order = { bench, side, node, how, lengthMs, prng, what, sshd };
  const { status, said, told, isInside } = await killedRun(order);
  const bad = await notGood(bench, before);
  if (side === 'host') await back(bench, node);
  const next = await bench.backup(['create', node, '--kind', kind]);
  const partial = (await backupsIn(bench)).filter(({ complete }) => !complete).map(({ name }) => name);
  return {
    isInside,
    status,
    said,
    bad: [...bad, ...(await notGood(bench, before))],
    nextStatus: next.status,
    nextSaid: `${how.join(' ')}, ${told}: ${next.stdout}${next.stderr}`,
    left: { partial, held: await heldOn(bench.lab, node), marks: marksOf(bench) },
    rewrites: await rewritesOf(bench, node).then((now) => (now === rewrites ? undefined : now)),
    running: sshd === undefined ? [] : await stillRunning(sshd),
  };
}

interface Order {
  readonly bench: BackupBench;
  readonly side: Side;
  readonly node: string;
  readonly how: readonly string[];
  readonly lengthMs: number;
  readonly prng: Prng;
  readonly what: (typeof targets)[number];
  readonly sshd: OwnSshd | undefined;
}

/** Begins backups and draws moments until one of them is killed before its end. */
async function killedRun(order: Order) {
  const { bench, side, node, how, lengthMs, prng, what, sshd } = order;
  const isSave = side === 'connection' && what === 'the save';
  if (isSave) await delaySaves(bench, node, SAVE_DELAY_MICROS);
  try {
    for (let draw = 1; ; draw += 1) {
      const afterMs = prng.between(20, Math.round(lengthMs));
      const run = startBackup(bench, ['create', node, ...how, ...SLOW]);
      // A save has its place in a backup: what kills it waits for it, not for a moment.
      if (!isSave) await Promise.race([sleep(afterMs), run.ended]);
      let isInside = !run.isOver();
      let hit = '';
      if (isInside && side === 'operator') run.kill();
      else if (isInside && side === 'host') await bench.lab.kill(node, 'redis', 'SIGKILL');
      else if (sshd !== undefined) {
        const killed = await killOf(bench, node, sshd, what, prng, run.ended);
        isInside = killed > 0;
        hit = ` (${what}: ${killed})`;
      }
      const ended = await run.ended;
      const told = `killed after ${isSave ? 'its save began' : `${afterMs} of ${Math.round(lengthMs)} ms`}${hit}`;
      if (isInside || draw === MOST_DRAWS) return { ...ended, told, isInside };
    }
  } finally {
    if (isSave) await delaySaves(bench, node, 0);
  }
}

const lengths = new WeakMap<BackupBench, Map<string, number>>();

/** Milliseconds of a backup that nobody disturbs, measured once for each way. */
async function lengthOf(bench: BackupBench, node: string, how: readonly string[]): Promise<number> {
  const known = lengths.get(bench) ?? new Map<string, number>();
  lengths.set(bench, known);
  const key = how.join(' ');
  const before = known.get(key);
  if (before !== undefined) return before;
  const began = performance.now();
  const { status, said } = await startBackup(bench, ['create', node, ...how, ...SLOW]).ended;
  if (status !== 0) throw new Error(`an undisturbed backup ended with ${status}: ${said}`);
  const lengthMs = performance.now() - began;
  known.set(key, lengthMs);
  return lengthMs;
}

/** Kills what the seed drew, as soon as there is any of it: how many processes; 0 when the backup has ended before. */
async function killOf(
  bench: BackupBench,
  node: string,
  sshd: OwnSshd,
  what: (typeof targets)[number],
  prng: Prng,
  ended: Promise<unknown>,
): Promise<number> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const saving = what === 'the save' ? await savingPids(bench, node) : undefined;
  while (!isOver) {
    let pids = saving === undefined ? sshd.commands() : saving();
    if (saving !== undefined && pids.length > 0) {
      await sleep(prng.between(0, WITHIN_SAVE_MS));
      pids = saving();
    }
    if (pids.length > 0) {
      if (what === 'sessions') sshd.cut();
      else for (const pid of what === 'one command' ? [prng.pick(pids)] : pids) kill(pid);
      return pids.length;
    }
    await sleep(2);
  }
  return 0;
}

/** The processes that save for the node's redis. */
async function savingPids(bench: BackupBench, node: string): Promise<() => readonly number[]> {
  const pid = Number(/process_id:(\d+)/.exec(await asked(bench, node, 'INFO', 'server'))?.[1]);
  return () => childrenOf(pid);
}

/** What was started over ssh ends with its backup, soon. */
async function stillRunning(sshd: OwnSshd): Promise<readonly number[]> {
  for (let tries = 0; tries < 100 && sshd.started().length > 0; tries += 1) await sleep(100);
  return sshd.started();
}

/** Whatever is listed as complete must load and hold what it says. */
async function notGood(bench: BackupBench, before: ReadonlySet<string>): Promise<readonly string[]> {
  const bad: string[] = [];
  for (const { name, complete } of await backupsIn(bench)) {
    if (!complete || before.has(name)) continue;
    const drill = await bench.backup(['drill', name.slice(-4)]);
    if (drill.status !== 0) bad.push(`${name}: ${drill.stdout}${drill.stderr}`);
  }
  return bad;
}

/** The node is there again as a linked replica. */
async function back(bench: BackupBench, node: string): Promise<void> {
  await bench.lab.start(node, 'redis');
  await waitFor(`${node} to be linked`, async () => {
    const { address, port } = placeOf(bench.lab, node);
    const client = await openResp(address, port, bench.lab.password).catch(() => undefined);
    const info = await client?.ask('INFO', 'replication').catch(() => '');
    client?.close();
    return String(info).includes('master_link_status:up') ? true : undefined;
  });
}

function marksOf(bench: BackupBench): readonly string[] {
  return bench.lab.hosts
    .map(({ name }) => join(bench.lab.directory, name, 'state', `backup-${bench.lab.group}.json`))
    .filter(existsSync);
}

function rewritesOf(bench: BackupBench, node: string): Promise<string> {
  return asked(bench, node, 'CONFIG', 'GET', 'auto-aof-rewrite-percentage');
}

async function delaySaves(bench: BackupBench, node: string, micros: number): Promise<void> {
  const answer = await asked(bench, node, 'CONFIG', 'SET', 'rdb-key-save-delay', String(micros));
  if (answer !== 'OK') throw new Error(`${node}: ${answer}`);
}

async function asked(bench: BackupBench, node: string, ...command: readonly string[]): Promise<string> {
  const { address, port } = placeOf(bench.lab, node);
  const client = await openResp(address, port, bench.lab.password);
  try {
    return String(await client.ask(...command));
  } finally {
    client.close();
  }
}

/** What must be true after every kill. */
export const asItShouldBe = {
  isInside: true,
  bad: [],
  nextStatus: 0,
  left: { partial: [], held: [], marks: [] },
  rewrites: undefined,
  running: [],
} as const;
