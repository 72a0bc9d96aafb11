import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openResp } from '../../src/lab/resp.js';
import { kill, ownAddress, waitFor } from '../live/own-redis.js';
import { endOf } from '../live/pipes.js';

const tool = resolve('bin/redis-runbook.js');
/** The limit counts for nobody who may do everything: as root the server becomes another user. */
const OTHER = 65534;
const isRoot = process.getuid?.() === 0;
const asOther = isRoot ? ['setpriv', `--reuid=${OTHER}`, `--regid=${OTHER}`, '--clear-groups'] : [];
let directory: string;
let address: string;
let server: ChildProcess;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'redis-runbook-no-fork-'));
  address = ownAddress();
  const config = join(directory, 'etc', 'redis.conf');
  const data = join(directory, 'data');
  const lines = ['port 6379', `bind ${address}`, `dir ${data}`, 'save ""', `logfile ${data}/log`];
  for (const each of [dirname(config), data]) mkdirSync(each);
  writeFileSync(config, `${lines.join('\n')}\n`);
  // As Debian's package has it: the server's user owns its config and the directory of it.
  if (isRoot) for (const each of [dirname(config), config, data]) chownSync(each, OTHER, OTHER);
  chmodSync(directory, 0o755);
  const [program = '', ...rest] = [...asOther, 'redis-server', config];
  server = spawn(program, rest, { stdio: 'ignore' });
  writeFileSync(
    join(directory, 'fleet.yaml'),
    `name: alone
group: alone
defaults: { transport: local, become: none, state: ${directory}/state }
hosts:
  pv1: { address: ${address}, runs: [redis: { config: ${config} }, sentinel: { config: ${directory}/none.conf }] }
`,
  );
  const client = await waitFor('the server', () => openResp(address, 6379).catch(() => undefined));
  await client.ask('SET', 'k', 'v');
  client.close();
});
afterAll(async () => {
  await kill(server);
  rmSync(directory, { recursive: true, force: true });
});

/** How many processes the user of the server may have: one, or as many as before. */
function mostProcesses(count: 'one' | 'as before'): void {
  const prlimit = (...args: readonly string[]) => {
    const [program = '', ...rest] = [...asOther, 'prlimit', '--pid', String(server.pid), ...args];
    return execFileSync(program, rest, { encoding: 'utf8' });
  };
  const hard = prlimit('--nproc', '--output=HARD', '--noheadings').trim();
  prlimit(`--nproc=${count === 'one' ? 1 : hard}:`);
}

function create() {
  const args = [
    'backup',
    'create',
    '--fleet',
    join(directory, 'fleet.yaml'),
    '--repository',
    join(directory, 'backups'),
  ];
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: join(directory, 'home'),
    XDG_STATE_HOME: join(directory, 'operator'),
  };
  return endOf(spawn(process.execPath, [tool, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env }));
}

test('a node that cannot fork is told as that, nothing is left of the try, and the next one is made', async () => {
  mostProcesses('one');
  const refused = await create();
  expect(refused.status, refused.stderr).toBe(8);
  expect(refused.stderr).toContain('could not fork');
  expect(readFileSync(join(directory, 'data/log'), 'utf8')).toMatch(/fork: Resource temporarily unavailable/);
  const group = join(directory, 'backups/alone/alone');
  expect(readdirSync(group)).toEqual(['last-try.json']);
  expect(readdirSync(join(directory, 'data')).filter((name) => /backup-[0-9A-Z]{4}$|^temp-/.test(name))).toEqual([]);

  mostProcesses('as before');
  const made = await create();
  expect(made.status, made.stderr).toBe(0);
  expect(readdirSync(group).filter((name) => /^\d{8}T.*-rdb-[0-9A-Z]{4}$/.test(name))).toHaveLength(1);
});
