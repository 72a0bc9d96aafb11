import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLock } from '../../src/execute/lock.js';
import { newLock } from '../../src/execute/lock-file.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { loadInventory } from '../../src/inventory/load.js';
import { openResp, type RespClient } from '../../src/lab/resp.js';
import type { BackupTry } from '../../src/model/backup.js';
import { type BackupBench, backupBench, backupsIn, heldOn, loadedFrom, manifestIn, placeOf } from './backup-lab.js';
import { waitFor } from './own-redis.js';
import { argvOf, endOf, environmentOf } from './pipes.js';
import { runbook } from './recovery.js';

let bench: BackupBench;
let node: string;
let client: RespClient;
let master: RespClient;

beforeAll(async () => {
  bench = await backupBench({ seed: 23, persistence: 'both' });
  await bench.lab.write({ count: 800, lowBytes: 800, highBytes: 1600, hotShare: 0 });
  const leader = (await bench.lab.master()) ?? '';
  node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== leader)?.name ?? '';
  client = await open(node);
  master = await open(leader);
});
afterAll(async () => {
  client.close();
  master.close();
  await bench.end();
});

function open(host: string): Promise<RespClient> {
  const { address, port } = placeOf(bench.lab, host);
  return openResp(address, port, bench.lab.password);
}

const slowly = () => bench.backup(['create', node, '--limit-rate', '200k']);

/** The data of a slow backup is on its way. */
async function underWay(): Promise<void> {
  await waitFor('a backup under way', async () => {
    const partial = (await backupsIn(bench)).find(({ complete }) => !complete);
    return partial !== undefined && existsSync(join(partial.path, 'resume.json')) ? true : undefined;
  });
}

async function holdFleet(): Promise<() => Promise<void>> {
  const inventory = await loadInventory(bench.lab.fleetFile);
  const entry = inventory.hosts.find(({ name }) => name === node);
  if (entry === undefined) throw new Error('no such host');
  const host = openLocalHost(entry);
  const { signal } = new AbortController();
  const held = await createLock(
    host,
    newLock({ run: '7K3Q', who: 'jisoo@bastion', doing: 'recover' }, new Date()),
    signal,
  );
  if (held === false) throw new Error('locked already');
  return () => host.remove(held.path);
}

async function nothingLeft(): Promise<void> {
  expect((await backupsIn(bench)).filter(({ complete }) => !complete)).toEqual([]);
  expect(await heldOn(bench.lab, node)).toEqual([]);
  expect(existsSync(join(bench.lab.directory, node, 'state', `backup-${bench.lab.group}.json`))).toBe(false);
}

async function lastTry(): Promise<BackupTry> {
  const path = join(bench.repository, 'lab', bench.lab.group, 'last-try.json');
  return JSON.parse(await readFile(path, 'utf8')) as BackupTry;
}

/** The process that saves: a child of the node's redis. */
async function savingChild(): Promise<number> {
  const pid = /process_id:(\d+)/.exec(String(await client.ask('INFO', 'server')))?.[1] ?? '';
  return waitFor('the saving child', () => {
    try {
      return Number(execFileSync('pgrep', ['-P', pid], { encoding: 'utf8' }).trim().split('\n')[0]) || undefined;
    } catch {
      return undefined;
    }
  });
}

describe('somebody else is there', () => {
  test('a second writer is refused and named the first; the first comes to its end', async () => {
    const first = slowly();
    await underWay();
    const second = await bench.backup(['create', node]);
    expect(second.status, second.stderr).toBe(6);
    expect(second.stderr).toContain('backup create');
    expect((await first).status).toBe(0);
  });

  test('a backup into another repository is refused on every node of the group, and leaves alone what the first one holds', async () => {
    const first = slowly();
    await underWay();
    const held = await heldOn(bench.lab, node);
    const there = `${bench.repository}-2`;
    const second = (...args: string[]) =>
      runbook(bench.lab, ['backup', 'create', ...args, '--repository', there], bench.env);
    for (const each of [node, (await bench.lab.master()) ?? '']) {
      const refused = await second(each);
      expect(refused.status, refused.stderr).toBe(6);
      expect(refused.stderr).toContain(`Another backup works on ${node}`);
    }
    expect(await heldOn(bench.lab, node)).toEqual(held);
    expect((await first).status).toBe(0);
  });

  test('a run that holds the fleet is waited for only when asked, and told', async () => {
    const letGo = await holdFleet();
    const refused = await bench.backup(['create', node]);
    expect(refused.status).toBe(6);
    expect(refused.stderr).toContain('run 7K3Q');
    expect(await lastTry()).toMatchObject({ outcome: 'failed' });
    const args = ['backup', 'create', node, '--wait', '30', '--repository', bench.repository];
    const [program = '', ...rest] = argvOf(bench.lab, args);
    const env = environmentOf(bench.lab, bench.env);
    const waiting = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const ended = endOf(waiting);
    let said = '';
    waiting.stderr.on('data', (text) => {
      said += String(text);
    });
    await waitFor('its word that it waits', () => said.includes('Waiting.') || undefined);
    await letGo();
    expect((await ended).status, said).toBe(0);
  });

  test('a run that takes the fleet meanwhile ends the backup, which leaves nothing on the node', async () => {
    const backup = slowly();
    await underWay();
    const letGo = await holdFleet();
    const ended = await backup;
    await letGo();
    expect(ended.status, ended.stderr).toBe(6);
    expect(ended.stderr).toContain('run 7K3Q');
    await nothingLeft();
  });
});

describe('the snapshot', () => {
  test('of somebody else does not count: what was written after it began is in the backup', async () => {
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '1500');
    await client.ask('BGSAVE');
    await master.ask('SET', 'k:late', 'here');
    expect(await master.ask('WAIT', '1', '5000')).not.toBe('0');
    const backup = bench.backup(['create', node]);
    await savingChild();
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    const output = await backup;
    expect(output.status, output.stderr).toBe(0);
    const path = (await backupsIn(bench)).at(-1)?.path ?? '';
    expect((await loadedFrom(path)).get('k:late')?.value).toBe('here');
  });

  test('that fails ends it with the words of the node, and nothing is left', async () => {
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '3000');
    const backup = bench.backup(['create', node]);
    process.kill(await savingChild(), 'SIGKILL');
    const output = await backup;
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    expect(output.status, output.stderr).toBe(8);
    expect(output.stderr).toContain(`${node} made no snapshot: its save ended with an error`);
    expect(output.stderr).toContain('logged:');
    expect(await lastTry()).toMatchObject({ outcome: 'failed', node });
    await nothingLeft();
  });

  test('that something else ended is asked for again', async () => {
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '3000');
    const backup = bench.backup(['create', node]);
    // A full sync ends a save this way (rdb.c:killRDBChild).
    process.kill(await savingChild(), 'SIGUSR1');
    await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    const output = await backup;
    expect(output.status, output.stderr).toBe(0);
    expect(output.stderr).toContain('asked for again');
  });

  test('of a replica that becomes master in the middle is still one dataset', async () => {
    const backup = slowly();
    await underWay();
    await client.ask('REPLICAOF', 'NO', 'ONE');
    const output = await backup;
    expect(output.status, output.stderr).toBe(0);
    const { id } = await manifestIn((await backupsIn(bench)).at(-1)?.path ?? '');
    expect((await bench.backup(['drill', id])).status).toBe(0);
  });
});

describe('secrets', () => {
  test('are nowhere in a backup unless asked for, and then they are named', async () => {
    const without = (await backupsIn(bench)).map(({ path }) => path);
    expect(without.length).toBeGreaterThan(3);
    for (const path of without) expect(await filesWith(path, bench.lab.password)).toEqual([]);
    const output = await bench.backup(['create', node, '--with-secrets']);
    expect(output.status, output.stderr).toBe(0);
    expect(output.stdout).toContain('holds the secrets of');
    const path = (await backupsIn(bench)).at(-1)?.path ?? '';
    expect(await filesWith(path, bench.lab.password)).toContain('config/redis.conf');
  });
});

async function filesWith(directory: string, text: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  const found = await Promise.all(paths.map(async (path) => ((await readFile(path)).includes(text) ? [path] : [])));
  return found.flat().map((path) => path.slice(directory.length + 1));
}

describe('a timer', () => {
  test('gets its backup drilled when nothing of the group was for a week, and not again the next night', async () => {
    const nights = await backupBench({ seed: 41, persistence: 'rdb' });
    try {
      for (const said of ['was loaded in a closed server', '']) {
        const output = await nights.backup(['create', '--scheduled']);
        expect(output.status, output.stderr).toBe(0);
        expect(output.stderr.includes('was loaded in a closed server')).toBe(said !== '');
      }
      const [first] = await backupsIn(nights);
      const checks = await readdir(join(first?.path ?? '', 'checks'));
      expect(checks.some((name) => name.endsWith('-drill.json'))).toBe(true);
      const manifest = JSON.parse(await readFile(join(first?.path ?? '', 'manifest.json'), 'utf8'));
      expect(manifest.reason).toBe('schedule');
    } finally {
      await nights.end();
    }
  });
});
