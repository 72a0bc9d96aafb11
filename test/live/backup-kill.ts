import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Prng, prngOf } from '../../src/lab/prng.js';
import { openResp } from '../../src/lab/resp.js';
import { type BackupBench, backupsIn, heldOn, placeOf } from './backup-lab.js';
import { waitFor } from './own-redis.js';
import { childrenOf, kill, type OwnSshd } from './own-sshd.js';

const bin = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));

export interface Killed {
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

/** About as long as a backup of the bench takes: kills fall everywhere between its first and its last moment. */
const SPAN_MS = 2500;
const SLOW = ['--limit-rate', '400k'];

/**
 * One backup, killed at a moment that the seed draws: the operator's process, the redis that is copied from, or, with a
 * bench that is reached over ssh, sessions, what runs in them, or the child that saves.
 */
export async function killOnce(
  bench: BackupBench,
  side: 'operator' | 'host' | 'connection',
  seed: number,
  servers: ReadonlyMap<string, OwnSshd> = new Map(),
): Promise<Killed> {
  const prng = prngOf(seed);
  const kind = prng.chance(0.5) ? 'rdb' : 'aof';
  const how = kind === 'rdb' && prng.chance(0.4) ? ['--engine', 'stream'] : ['--kind', kind];
  const afterMs = prng.between(20, SPAN_MS);
  const master = await waitFor('a master', () => bench.lab.master());
  const node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const before = new Set((await backupsIn(bench)).filter(({ complete }) => complete).map(({ name }) => name));
  const rewrites = await rewritesOf(bench, node);
  const run = start(bench, ['create', node, ...how, ...SLOW]);
  await Promise.race([sleep(afterMs), run.ended]);
  const sshd = servers.get(node);
  const what = prng.pick(targets);
  let hit = '';
  if (side === 'operator') run.kill();
  else if (side === 'host') await bench.lab.kill(node, 'redis', 'SIGKILL');
  else if (sshd !== undefined) hit = await killOf(bench, node, sshd, what, prng, run.ended);
  const { status, said } = await run.ended;
  const bad = await notGood(bench, before);
  if (side === 'host') await back(bench, node);
  const next = await bench.backup(['create', node, '--kind', kind]);
  const partial = (await backupsIn(bench)).filter(({ complete }) => !complete).map(({ name }) => name);
  return {
    status,
    said,
    bad: [...bad, ...(await notGood(bench, before))],
    nextStatus: next.status,
    nextSaid: `${how.join(' ')}, killed after ${afterMs} ms${hit}: ${next.stdout}${next.stderr}`,
    left: { partial, held: await heldOn(bench.lab, node), marks: marksOf(bench) },
    rewrites: await rewritesOf(bench, node).then((now) => (now === rewrites ? undefined : now)),
    running: sshd === undefined ? [] : await stillRunning(sshd),
  };
}

/** Kills what the seed drew, as soon as there is any of it, and says so; nothing once the backup has ended. */
async function killOf(
  bench: BackupBench,
  node: string,
  sshd: OwnSshd,
  what: (typeof targets)[number],
  prng: Prng,
  ended: Promise<unknown>,
): Promise<string> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const saving = what === 'the save' ? await savingPids(bench, node) : undefined;
  while (!isOver) {
    const pids = saving === undefined ? sshd.commands() : saving();
    if (pids.length > 0) {
      if (what === 'sessions') sshd.cut();
      else for (const pid of what === 'one command' ? [prng.pick(pids)] : pids) kill(pid);
      return ` (${what}: ${pids.length})`;
    }
    await sleep(2);
  }
  return ' (it had ended)';
}

/** The processes that save for the node's redis. */
async function savingPids(bench: BackupBench, node: string): Promise<() => readonly number[]> {
  const { address, port } = placeOf(bench.lab, node);
  const client = await openResp(address, port, bench.lab.password);
  const info = String(await client.ask('INFO', 'server'));
  client.close();
  const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
  return () => childrenOf(pid);
}

/** What was started over ssh ends with its backup, soon. */
async function stillRunning(sshd: OwnSshd): Promise<readonly number[]> {
  for (let tries = 0; tries < 100 && sshd.started().length > 0; tries += 1) await sleep(100);
  return sshd.started();
}

/** The host has counted all that is held: what was sent can be told to be that. */
async function isCounted(partial: string): Promise<boolean> {
  const note = await readFile(join(partial, 'resume.json'), 'utf8').catch(() => '');
  const count = (form: RegExp) => note.match(form)?.length ?? 0;
  return count(/"held": ?"/g) > 0 && count(/"sha256": ?"/g) >= count(/"held": ?"/g);
}

/** A slow backup of append-only files whose operator is killed once `path` has arrived and the host has counted it. */
export async function cutAfter(
  bench: BackupBench,
  path: string | RegExp,
  more: readonly string[] = [],
): Promise<{ readonly id: string; readonly node: string }> {
  const master = await waitFor('a master', () => bench.lab.master());
  const node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const run = start(bench, ['create', node, '--kind', 'aof', '--limit-rate', '200k', ...more]);
  const partial = await waitFor(String(path), async () => {
    const found = (await backupsIn(bench)).find(({ complete }) => !complete);
    const names = found === undefined ? [] : await readdir(found.path, { recursive: true }).catch(() => []);
    const isThere = names.some((name) => (typeof path === 'string' ? name === path : path.test(name)));
    return isThere && found !== undefined && (await isCounted(found.path)) ? found : undefined;
  });
  run.kill();
  await run.ended;
  return { id: partial.name.replace('.partial', '').slice(-4), node };
}

function start(bench: BackupBench, args: readonly string[]) {
  const all = ['backup', ...args, '--repository', bench.repository, '--fleet', bench.lab.fleetFile];
  const child = spawn(process.execPath, [bin, ...all], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...bench.env },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const ended = new Promise<{ status: number | null; said: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, said }));
  });
  return { ended, kill: () => child.kill('SIGKILL') };
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

async function rewritesOf(bench: BackupBench, node: string): Promise<string> {
  const { address, port } = placeOf(bench.lab, node);
  const client = await openResp(address, port, bench.lab.password);
  try {
    return String(await client.ask('CONFIG', 'GET', 'auto-aof-rewrite-percentage'));
  } finally {
    client.close();
  }
}

/** What must be true after every kill. */
export const asItShouldBe = {
  bad: [],
  nextStatus: 0,
  left: { partial: [], held: [], marks: [] },
  rewrites: undefined,
  running: [],
} as const;
