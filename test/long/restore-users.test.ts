import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { openResp } from '../../src/lab/resp.js';
import { labUp } from '../../src/lab/up.js';
import { journalNow, newestRun } from '../live/cut.js';
import { leftOn } from '../live/dead-fleet.js';
import { waitFor } from '../live/own-redis.js';
import { piped } from '../live/pipes.js';
import { inTerminal } from '../live/terminal.js';

let lab: Lab;
let node: string;
let withSecrets: string;
let without: string;

const hashed = (password: string) => `#${createHash('sha256').update(password).digest('hex')}`;
const pathOf = (name: string) => join(lab.directory, node, name);
const textOf = (name: string) => readFileSync(pathOf(name), 'utf8');
const repository = () => join(lab.directory, 'repository');
const args = (id: string) => ['backup', 'restore', id, '--configs', '--repository', repository()];

beforeAll(async () => {
  lab = await labUp({ seed: 91, ownerPid: process.pid, redis: 2, sentinels: 3, password: 'labpass' });
  const master = await waitFor('a master', () => lab.master());
  node =
    lab.hosts.find(({ name, runs }) => runs.includes('redis') && runs.includes('sentinel') && name !== master)?.name ??
    '';
  writeFileSync(
    pathOf('users.acl'),
    `user default on >labpass ~* &* +@all\nuser app on ${hashed('app1')} ~app:* &* +@read\nuser ops on >ops1 ~* &* +@all -@dangerous\n`,
  );
  writeFileSync(pathOf('redis.conf'), `${textOf('redis.conf')}aclfile ${pathOf('users.acl')}\n`);
  await again('redis');
  withSecrets = await backedUp('--with-secrets');
  without = await backedUp();
}, 90_000);
afterAll(() => lab.down({ remove: true }));

async function again(kind: 'redis' | 'sentinel'): Promise<void> {
  await lab.kill(node, kind, 'SIGKILL').catch(() => undefined);
  await lab.start(node, kind);
}

async function backedUp(...more: readonly string[]): Promise<string> {
  const directory = join(repository(), 'lab', lab.group);
  const names = () => (existsSync(directory) ? readdirSync(directory).filter((name) => /^\d{8}T/.test(name)) : []);
  const before = new Set(names());
  const made = await waitFor('a backup', async () => {
    const ended = await piped(lab, ['backup', 'create', node, ...more, '--repository', repository()]);
    return ended.status === 0 ? ended : undefined;
  });
  expect(made.status, made.stderr).toBe(0);
  return (
    names()
      .find((name) => !before.has(name))
      ?.slice(-4) ?? ''
  );
}

interface Disturbed {
  readonly users: string;
  readonly sentinel: string;
}

/** A user is gone, one may do more and has a new password, one is new; a sentinel that is stopped was played with. */
function disturbed(): Disturbed {
  const users = `user default on >labpass ~* &* +@all\nuser ops on >ops2 ~* &* +@all\nuser fresh on nopass ~x +get\n`;
  writeFileSync(pathOf('users.acl'), users);
  const sentinel = textOf('sentinel.conf')
    .replace(/^(sentinel monitor .*) \d+$/m, '$1 1')
    .replace(/^sentinel down-after-milliseconds.*\n/m, '')
    .replace(/^sentinel failover-timeout (\S+) .*$/m, 'sentinel failover-timeout $1 77777');
  writeFileSync(pathOf('sentinel.conf'), sentinel);
  return { users, sentinel };
}

const usersBack = () =>
  `user default on >labpass ~* &* +@all\nuser ops on ~* &* +@all -@dangerous >ops2\nuser fresh on nopass ~x +get\nuser app on ~app:* &* +@read ${hashed('app1')}\n`;

async function agreed(id: string) {
  const terminal = inTerminal(lab, args(id));
  for (const name of ['sentinel.conf on', 'users.acl on']) {
    await terminal.sees(name);
    terminal.type('y\r');
  }
  return terminal;
}

test('while a sentinel runs its file is left alone, with the commands that change it; a backup without secrets says what is missing', async () => {
  const good = { users: textOf('users.acl'), sentinel: textOf('sentinel.conf') };
  writeFileSync(pathOf('users.acl'), 'user default on >labpass ~* &* +@all\n');
  writeFileSync(pathOf('sentinel.conf'), good.sentinel.replace(/^(sentinel monitor .*) \d+$/m, '$1 1'));
  const shown = await piped(lab, args(without));
  expect(shown.status, shown.stderr).toBe(0);
  const said = shown.stdout.replace(/\s+/g, ' ');
  expect(said).toContain(`${node}/sentinel: it runs, and writes its file itself: the file is left alone`);
  expect(said).toMatch(/redis-cli -h \S+ -p \d+ SENTINEL SET \S+ quorum 2/);
  expect(said).toContain('user app comes back without a password, for the backup was made without --with-secrets');
  expect(said).not.toContain(hashed('app1'));
  expect(textOf('users.acl')).toBe('user default on >labpass ~* &* +@all\n');
  writeFileSync(pathOf('users.acl'), good.users);
  writeFileSync(pathOf('sentinel.conf'), good.sentinel);
});

test('users and a stopped sentinel get back what an operator decided, and undo makes both byte for byte what they were', async () => {
  await lab.kill(node, 'sentinel', 'SIGTERM');
  const original = textOf('sentinel.conf');
  const before = disturbed();
  const terminal = await agreed(withSecrets);
  // Done, and the group is not healthy: its sentinel is still stopped.
  expect(await terminal.ended(), terminal.screen()).toBe(1);
  expect(terminal.screen()).toContain('2 config files are as agreed');
  expect(textOf('users.acl')).toBe(usersBack());
  const sorted = (text: string) => text.trim().split('\n').sort();
  expect(sorted(textOf('sentinel.conf'))).toEqual(sorted(original));
  expect(leftOn(lab)).toEqual([]);
  const run = newestRun(lab)?.path ?? '';
  const files = readdirSync(run, { withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(3);
  for (const { name } of files) {
    const text = readFileSync(join(run, name), 'utf8');
    expect(text.includes(hashed('app1')) || /labpass|>ops[12]/.test(text), name).toBe(false);
  }

  const undone = await piped(lab, ['undo', newestRun(lab)?.run ?? '', '--yes']);
  expect(undone.status, undone.stdout + undone.stderr).toBe(0);
  expect({ users: textOf('users.acl'), sentinel: textOf('sentinel.conf') }).toEqual(before);
});

/** The newest run has written a file. */
function hasRewritten(): boolean {
  if (!existsSync(join(newestRun(lab)?.path ?? '', 'journal.jsonl'))) return false;
  return journalNow(lab).lines.some(({ action, phase }) => action.includes('config.rewrite') && phase === 'result');
}

test('cut off between the two it is resumed from the backup; the servers start with what it wrote', async () => {
  disturbed();
  const last = newestRun(lab)?.run;
  const terminal = await agreed(withSecrets);
  const until = performance.now() + 30_000;
  while (newestRun(lab)?.run === last || !hasRewritten()) {
    if (performance.now() > until) throw new Error('no file was written');
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.kill(terminal.pid(), 'SIGKILL');
  await terminal.ended().catch(() => undefined);
  const resumed = await piped(lab, ['resume', '--yes']);
  expect(resumed.status, resumed.stdout + resumed.stderr).toBe(1);
  expect(resumed.stdout).toContain('2 config files are as agreed');
  expect(textOf('users.acl')).toBe(usersBack());

  await again('redis');
  await again('sentinel');
  const address = lab.hosts.find(({ name }) => name === node)?.address ?? '';
  const client = await waitFor('the node', () => openResp(address, redisPort, 'labpass').catch(() => undefined));
  expect(await client.ask('AUTH', 'app', 'app1')).toBe('OK');
  expect(await client.ask('AUTH', 'ops', 'ops1').then(String, String)).toContain('WRONGPASS');
  expect(await client.ask('AUTH', 'ops', 'ops2')).toBe('OK');
  client.close();
  await waitFor('its sentinel', async () => ((await lab.master()) === undefined ? undefined : true));
  expect(textOf('sentinel.conf')).toMatch(/^sentinel monitor \S+ \S+ \d+ 2$/m);
});
