import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openResp, type RespClient } from '../../src/lab/resp.js';
import { kill, ownAddress, waitFor } from '../live/own-redis.js';
import { type Ended, endOf } from '../live/pipes.js';
import { type SmallDisks, smallDisks } from '../live/small-disks.js';

const tool = resolve('bin/redis-runbook.js');
const KB = 1024;
const MB = 1024 * KB;
let disks: SmallDisks;
let server: ChildProcess;
let client: RespClient;
let address: string;

beforeAll(async () => {
  disks = await smallDisks({ data: 'size=16m,nr_inodes=200', backups: 'size=24m', tmp: 'size=8m' });
  const { directory } = disks;
  address = ownAddress();
  for (const each of ['etc', 'home', 'state']) mkdirSync(join(directory, each));
  const config = join(directory, 'etc/redis.conf');
  // As the package has it: it saves by itself, and refuses writes when it could not.
  const lines = [
    'port 6379',
    `bind ${address}`,
    `dir ${directory}/data`,
    'save 3600 1',
    `logfile ${directory}/etc/log`,
  ];
  writeFileSync(config, `${lines.join('\n')}\nappendonly yes\n`);
  server = disks.spawn(['redis-server', config], { stdio: 'ignore' });
  const entry = `{ address: ${address}, runs: [redis: { config: ${config} }, sentinel: { config: ${directory}/etc/none.conf }] }`;
  writeFileSync(
    join(directory, 'fleet.yaml'),
    `name: alone\ngroup: alone\ndefaults: { transport: local, become: none, state: ${directory}/state }\nhosts:\n  pv1: ${entry}\n`,
  );
  client = await waitFor('the server', () => openResp(address, 6379).catch(() => undefined));
}, 60_000);
afterEach(() => {
  for (const name of ['data', 'backups', 'tmp']) disks.room(name);
});
afterAll(async () => {
  client.close();
  await kill(server);
  await disks.end();
});

function backup(...args: readonly string[]): Promise<Ended> {
  const { directory } = disks;
  const common = ['--fleet', join(directory, 'fleet.yaml'), '--repository', join(directory, 'backups/repository')];
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: join(directory, 'home'),
    TMPDIR: join(directory, 'tmp'),
  };
  return endOf(
    disks.spawn([process.execPath, tool, 'backup', ...args, ...common], { stdio: ['ignore', 'pipe', 'pipe'], env }),
  );
}

/** Words as they were before they were wrapped. */
const said = ({ stdout, stderr }: Ended) => `${stdout}${stderr}`.replace(/\s+/g, ' ');

const backups = () => disks.sh('cd "$0/backups/repository/alone/alone" && ls -d 2*T* 2> /dev/null || :');

/** Nothing of a try that failed is left on either side. */
function nothingLeft(): void {
  expect(backups()).not.toContain('partial');
  expect(disks.sh('ls -A "$0/backups/repository/locks" "$0/state" "$0/tmp" | grep -v : || :').trim()).toBe('');
  expect(disks.sh('cd "$0/data" && find . -name "temp-*" -o -name "*backup-*"')).toBe('');
  expect(disks.sh('find "$0/backups" -name ".unfinished*"')).toBe('');
}

async function nextIsGood(...args: readonly string[]): Promise<void> {
  const made = await backup('create', ...args);
  expect(made.status, made.stderr).toBe(0);
  const listed = await backup('list', '--json');
  expect(listed.status, listed.stdout).toBe(0);
}

test('a snapshot that would not fit is not begun: a save that fails makes a node refuse writes', async () => {
  await nextIsGood();
  const before = backups();
  // What does not become smaller, and is much more than the last snapshot.
  for (let n = 0; n < 4; n += 1) await client.ask('SET', `k${n}`, randomBytes(MB / 2).toString('hex'));
  disks.leave('data', MB);
  const refused = await backup('create');
  expect(refused.status).toBe(3);
  expect(said(refused)).toMatch(/pv1: its disk has 1048576 bytes free, and a snapshot of about [45]\d{6} is written/);
  expect(await client.ask('SET', 'still', 'taken')).toBe('OK');
  expect(backups()).toBe(before);
  nothingLeft();
});

test('a disk that fills while the node saves: said with its log, what it does to writes and the command that ends it', async () => {
  await nextIsGood();
  const before = backups();
  await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '200000');
  const running = backup('create');
  const saves = async () => /rdb_bgsave_in_progress:1/.test(String(await client.ask('INFO', 'persistence')));
  await waitFor('the save', saves);
  disks.leave('data', 64 * KB);
  const failed = await running;
  expect(failed.status).toBe(8);
  expect(said(failed)).toMatch(/pv1 made no snapshot: its save ended with an error/);
  expect(said(failed)).toMatch(/pv1 logged: .* No space left on device/);
  const denied = await client.ask('SET', 'k', 'v').then(String, String);
  expect(denied).toContain('MISCONF');
  expect(said(failed)).toMatch(/pv1 REFUSES WRITES until a save of it succeeds/);
  expect(said(failed)).toContain(`redis-cli -h ${address} -p 6379 --askpass BGSAVE`);
  expect(backups()).toBe(before);
  nothingLeft();

  await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '0');
  disks.room('data');
  await nextIsGood();
  expect(await client.ask('SET', 'k', 'v')).toBe('OK');
});

test.each([0, 1])('room for %i names where append-only files are to be held', async (names) => {
  const rewrites = await client.ask('CONFIG', 'GET', 'auto-aof-rewrite-percentage');
  const before = backups();
  disks.leaveNames('data', names);
  const refused = await backup('create', '--kind', 'aof');
  expect(refused.status, refused.stderr).toBe(3);
  expect(said(refused)).toContain('The disk of pv1 has no room to hold the files of pv1 for a backup');
  expect(said(refused)).toMatch(/df -i \S*data on pv1, and make room there/);
  expect(backups()).toBe(before);
  nothingLeft();
  expect(await client.ask('CONFIG', 'GET', 'auto-aof-rewrite-percentage')).toEqual(rewrites);
});

test.each([
  ['rdb', MB],
  ['rdb', 0],
  ['aof', MB],
])('a repository that is full: %s with %i bytes left', async (kind, bytes) => {
  const before = backups();
  disks.leave('backups', bytes);
  const refused = await backup('create', '--kind', kind);
  expect(refused.status).toBe(3);
  expect(said(refused)).toMatch(/The disk is full where backups are kept: .*free there now: \d+ bytes/);
  const [, place = ''] = /df -h (\S+)/.exec(said(refused)) ?? [];
  expect(disks.sh(`df -h ${place}`)).toContain('tmpfs');
  expect(backups()).toBe(before);
  nothingLeft();
  disks.room('backups');
  await nextIsGood('--kind', kind);
});

test('a disk that is full for what goes beside the data, and for its manifest', async () => {
  const size = Number(disks.sh('stat -c %s "$0/data/dump.rdb"'));
  for (const more of [12 * KB, 60 * KB]) {
    const before = backups();
    disks.leave('backups', Math.ceil(size / 4096) * 4096 + more);
    const ended = await backup('create');
    expect([ended.status, backups()]).toEqual([3, before]);
    expect(said(ended)).toContain('The disk is full where backups are kept');
    disks.room('backups');
    nothingLeft();
  }
});

test('no room to load it here: it is made and not counted, and a drill says nothing against it', async () => {
  disks.leave('tmp', MB);
  const made = await backup('create', '--kind', 'aof');
  expect(made.status, made.stderr).toBe(0);
  expect(said(made)).toContain('the keys are not counted: this machine has no room for it in');
  const drilled = await backup('drill');
  expect(said(drilled)).toContain('this machine has no room for it in');
  expect((await backup('list', '--json')).stdout).not.toContain('"bad"');
  disks.room('tmp');
  const again = await backup('drill');
  const loaded = [0, 'was loaded and holds what its manifest says'];
  const [status, says] = disks.hasOtherUsers ? loaded : [4, 'by a user without rights, and this container has none'];
  expect([again.status, said(again)]).toEqual([status, expect.stringContaining(String(says))]);
});
