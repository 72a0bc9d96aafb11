import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/hosts/channel.js';
import { runningChild, startChild } from '../../src/hosts/child.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { sudoersLine } from '../../src/hosts/remote/root-commands.js';
import { asStream, runToEnd } from '../../src/hosts/running.js';
import type { HostEntry } from '../../src/model/inventory.js';
import { Secret } from '../../src/model/secret.js';
import { kill, waitFor } from '../live/own-redis.js';

/**
 * The real sudo, as root, in a mount namespace of its own: users, passwords and sudoers of this machine stay as they
 * are. Run as root only.
 */
const never = new AbortController().signal;
const USER = 'rbops';
const UID = 64711;
const PASSWORD = 'p4\'ss $(w0rd)"#';
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

let space: string;
let work: string;
let holder: ChildProcess | undefined;
let commands: string[] = [];

async function own(name: string, text: string, mode: number): Promise<void> {
  await writeFile(join(space, name), text, { mode });
}

/** A mount namespace in which the files below `space` lie over this machine's own. */
async function enterSpace(): Promise<ChildProcess> {
  const hash = spawnSync('openssl', ['passwd', '-6', '-stdin'], { input: `${PASSWORD}\n` })
    .stdout.toString()
    .trim();
  await own('passwd', `${await readFile('/etc/passwd', 'utf8')}${USER}:x:${UID}:${UID}::/nonexistent:/bin/sh\n`, 0o644);
  await own('group', `${await readFile('/etc/group', 'utf8')}${USER}:x:${UID}:\n`, 0o644);
  await own('shadow', `root:*:19000:0:99999:7:::\n${USER}:${hash}:19000:0:99999:7:::\n`, 0o600);
  await own('sudoers', '', 0o440);
  const over = ['passwd', 'group', 'shadow', 'sudoers'].map((name) => `mount --bind "$1/${name}" /etc/${name}`);
  const script = `${over.join(' && ')} && mkdir -p /run/sudo /var/lib/sudo && mount -t tmpfs none /run/sudo && mount -t tmpfs none /var/lib/sudo && echo ready && exec sleep 3600`;
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', space], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await waitFor('the namespace', () => (said.includes('ready') ? true : undefined));
  return child;
}

function inside(...argv: readonly string[]): readonly string[] {
  return ['-t', String(holder?.pid), '-m', '--', ...argv];
}

function asUser(command: string): readonly string[] {
  const drop = ['setpriv', '--reuid', String(UID), '--regid', String(UID), '--clear-groups', '--'];
  return inside(...drop, '/bin/sh', '-c', command);
}

/** What sshd gives: a shell of the login user, without a terminal. */
function channel(): Channel {
  const start = (command: string) => {
    commands.push(command);
    return runningChild(startChild('nsenter', asUser(command), environment));
  };
  return {
    host: 'pv1',
    exec: (command, options, signal) => runToEnd(start(command), options, signal),
    open: async (command, signal) => asStream(start(command), signal),
    forward: () => Promise.reject(new Error('not here')),
    close: async () => undefined,
  };
}

const entry: HostEntry = {
  name: 'pv1',
  address: '127.0.0.1',
  transport: 'ssh',
  become: 'sudo',
  service: 'process',
  state: '/nowhere',
  nodes: [],
  line: 1,
};

function asking(password: string | undefined) {
  const questions: string[] = [];
  const askSecret = async ({ host, user }: { host: string; user: string }) => {
    questions.push(`${user}@${host}`);
    return password === undefined ? undefined : new Secret(password);
  };
  return { questions, host: openRemoteHost(entry, channel(), { askSecret }) };
}

/** The file is overwritten in place: it is bound by its inode. */
async function sudoers(...lines: readonly string[]): Promise<void> {
  const path = join(space, 'sudoers');
  const text = `${lines.join('\n')}\n`;
  await writeFile(path, text);
  const checked = spawnSync('visudo', ['-cf', path]);
  if (checked.status !== 0) throw new Error(checked.stderr.toString());
}

/** Every byte, and what a terminal in between would eat: ^C ^D ^Z, CR, and lines that look like an answer. */
const hostile = Buffer.concat([
  Buffer.from(`first line\n${PASSWORD}\n\x03\x04\x1a\r\n\x00`),
  Buffer.from(Array.from({ length: 4096 }, (_, n) => n & 255)),
  randomBytes(1024 * 1024),
]);

/** Everything that a host is asked to do, with bytes that must come out exactly. */
async function allOf(host: ReturnType<typeof openRemoteHost>): Promise<void> {
  const path = join(work, 'redis.conf');
  await host.write(path, hostile, 'absent', never);
  expect((await readFile(path)).equals(hostile)).toBe(true);
  expect((await stat(path)).uid).toBe(0);
  await host.write(path, hostile.subarray(5), sha256(hostile), never);
  expect((await readFile(path)).equals(hostile.subarray(5))).toBe(true);
  const read = await host.read(path, 2 * hostile.length, never);
  expect(read.ok && Buffer.from(read.value).equals(hostile.subarray(5))).toBe(true);
  const chunks: Uint8Array[] = [];
  for await (const chunk of host.stream(path, never)) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(hostile.subarray(5))).toBe(true);
  const lost = (async () => {
    for await (const _ of host.stream(join(work, 'no'), never));
  })();
  await expect(lost).rejects.toMatchObject({ code: 'ENOENT' });
  const output = await host.run(
    ['sh', '-c', 'id -u; cat; echo no >&2; exit 3'],
    { timeoutMs: 10_000, stdin: 'in\n' },
    never,
  );
  expect(output).toMatchObject({ status: 3, stdout: '0\nin\n', stderr: 'no\n' });
  const kept = await host.keep(path, join(work, 'kept'), 'link-or-copy', never);
  expect(kept).toMatchObject({ how: 'link', sha256: sha256(hostile.subarray(5)) });
  await host.remove(path);
  expect(await readdir(work)).toEqual(['kept']);
}

/** The password stands in no command, and in no file that was written. */
async function nowhere(): Promise<void> {
  expect(commands.filter((command) => command.includes('p4'))).toEqual([]);
  const left = await readdir(work, { recursive: true, withFileTypes: true });
  for (const each of left.filter((file) => file.isFile() && !file.parentPath.endsWith('kept'))) {
    expect(await readFile(join(each.parentPath, each.name), 'latin1')).not.toContain(PASSWORD);
  }
}

describe('sudo', () => {
  beforeAll(async () => {
    space = await mkdtemp(join(tmpdir(), 'redis-runbook-sudo-'));
    holder = await enterSpace();
  });

  afterEach(async () => {
    await nowhere();
    commands = [];
    spawnSync('nsenter', inside('sh', '-c', 'rm -rf /run/sudo/ts /var/lib/sudo/lectured'));
    await rm(work, { recursive: true, force: true });
  });

  afterAll(async () => {
    if (holder) await kill(holder);
    await rm(space, { recursive: true, force: true });
  });

  async function given(...lines: readonly string[]): Promise<void> {
    await sudoers(...lines);
    work = join(space, 'work');
    await mkdir(work, { mode: 0o700 });
  }

  it('needs one line, and no password with it', async () => {
    await given(sudoersLine(USER));
    const { host, questions } = asking('never asked');
    await allOf(host);
    expect(questions).toEqual([]);
  });

  it('asks once for a password and gives it to sudo alone', async () => {
    await given(`${USER} ALL=(root) /bin/sh`, 'Defaults timestamp_timeout=0');
    const { host, questions } = asking(PASSWORD);
    await Promise.all([host.makeDirectory(join(work, 'a')), host.makeDirectory(join(work, 'b'))]);
    await host.run(['rmdir', join(work, 'a'), join(work, 'b')], { timeoutMs: 10_000 }, never);
    await allOf(host);
    expect(questions).toEqual([`${USER}@pv1`]);
  });

  it('is not misled by a lecture, a prompt of the machine, or a terminal of sudo', async () => {
    const odd = ['lecture=always', 'passprompt="Password of %p (attempt):"', 'use_pty', 'timestamp_timeout=0'];
    await given(`${USER} ALL=(root) /bin/sh`, ...odd.map((setting) => `Defaults ${setting}`));
    const { host, questions } = asking(PASSWORD);
    await allOf(host);
    expect(questions).toHaveLength(1);
  });

  it('writes no password where sudo asks none: use_pty with NOPASSWD', async () => {
    await given(sudoersLine(USER), 'Defaults use_pty');
    const { host, questions } = asking(PASSWORD);
    await allOf(host);
    expect(questions).toEqual([]);
  });

  it('uses a ticket while it lasts, and asks when it ran out', async () => {
    await given(`${USER} ALL=(root) /bin/sh`, 'Defaults timestamp_type=global');
    const validated = spawnSync('nsenter', asUser('sudo -S -p "" -v'), { input: `${PASSWORD}\n` });
    expect(validated.status).toBe(0);
    const { host, questions } = asking(PASSWORD);
    await host.write(join(work, 'one'), hostile, 'absent', never);
    expect(questions).toEqual([]);
    expect(spawnSync('nsenter', asUser('sudo -K')).status).toBe(0);
    await host.write(join(work, 'two'), hostile, 'absent', never);
    expect(questions).toHaveLength(1);
    // The ticket is there again: sudo asks nothing although we would answer.
    await host.write(join(work, 'three'), hostile, 'absent', never);
    for (const each of ['one', 'two', 'three']) {
      expect((await readFile(join(work, each))).equals(hostile)).toBe(true);
      await host.remove(join(work, each));
    }
    expect(questions).toHaveLength(1);
  });

  it('tries a wrong password once', async () => {
    await given(`${USER} ALL=(root) /bin/sh`, 'Defaults timestamp_timeout=0');
    const { host, questions } = asking('wrong');
    const writing = host.write(join(work, 'redis.conf'), hostile, 'absent', never);
    await expect(writing).rejects.toMatchObject({ word: 'sudo', message: expect.stringContaining('pv1') });
    const tried = commands.filter((command) => command.includes('sudo -S')).length;
    const again: unknown = await host.remove(join(work, 'redis.conf')).catch((error: unknown) => error);
    expect(again).toMatchObject({ word: 'sudo' });
    expect(JSON.stringify(again)).toContain(sudoersLine(USER));
    expect([tried, commands.filter((command) => command.includes('sudo -S')).length]).toEqual([1, 1]);
    expect(questions).toHaveLength(1);
    expect(await readdir(work)).toEqual([]);
  });

  it('gets no password while the key of the host is new', async () => {
    await given(`${USER} ALL=(root) /bin/sh`, 'Defaults timestamp_timeout=0');
    let asked = 0;
    const askSecret = async () => {
      asked += 1;
      return new Secret(PASSWORD);
    };
    let isNew = true;
    const fresh: Channel = { ...channel(), mayHavePassword: async () => !isNew };
    const host = openRemoteHost(entry, fresh, { askSecret });
    const refused: unknown = await host.makeDirectory(join(work, 'a')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ word: 'sudo' });
    expect(JSON.stringify(refused)).toContain('accepted only now');
    expect([asked, commands.filter((command) => command.includes('sudo -S'))]).toEqual([0, []]);
    isNew = false;
    await host.makeDirectory(join(work, 'a'));
    expect([asked, await readdir(work)]).toEqual([1, ['a']]);
  });

  it('says what stands against it', async () => {
    await given(sudoersLine(USER), `Defaults:${USER} requiretty`);
    const tty: unknown = await asking(PASSWORD)
      .host.makeDirectory(join(work, 'a'))
      .catch((error: unknown) => error);
    expect(tty).toMatchObject({ word: 'sudo' });
    expect(JSON.stringify(tty)).toContain('!requiretty');
    await sudoers('root ALL=(ALL) ALL');
    const { host, questions } = asking(PASSWORD);
    const refused: unknown = await host.makeDirectory(join(work, 'a')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ word: 'sudo' });
    expect(JSON.stringify(refused)).toContain(sudoersLine(USER));
    expect(questions.length).toBeLessThanOrEqual(1);
    await sudoers(`${USER} ALL=(root) /bin/sh`);
    const silent: unknown = await asking(undefined)
      .host.makeDirectory(join(work, 'a'))
      .catch((error: unknown) => error);
    expect(JSON.stringify(silent)).toContain('nobody could be asked');
    expect(await readdir(work)).toEqual([]);
  });

  it('reads what the login user may read without asking', async () => {
    await given(`${USER} ALL=(root) /bin/sh`, 'Defaults timestamp_timeout=0');
    const { host, questions } = asking(PASSWORD);
    expect(await host.read('/etc/hostname', 1000, never)).toMatchObject({ ok: true });
    expect(questions).toEqual([]);
    await writeFile(join(work, 'dump.rdb'), 'REDIS', { mode: 0o600 });
    expect(await host.read(join(work, 'dump.rdb'), 1000, never)).toMatchObject({ ok: true });
    expect(questions).toHaveLength(1);
  });
});
