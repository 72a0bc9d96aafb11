import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as pty from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tool = resolve('bin/redis-runbook.js');
const driver = resolve('test/fixtures/cli/ask-driver.mjs');
let home = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbook-shell-'));
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: home, TERM: 'xterm', ...more };
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

/** Runs node with a stdin that is `input` and then ends. */
function run(argv: readonly string[], input = '', env = environment()): Promise<Ended> {
  const began = Date.now();
  const child = spawn(process.execPath, argv, { cwd: home, env });
  child.stdin.on('error', () => undefined).end(input);
  return outputOf(child, began);
}

function outputOf(child: ChildProcess, began = Date.now()): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done) =>
    child.once('close', (status) => done({ status, stdout, stderr, elapsedMs: Date.now() - began })),
  );
}

/** A real terminal with the driver in it: types when it has been asked, and tells how it ended. */
async function talk(argv: readonly string[], turns: readonly (readonly [awaited: string, typed: string])[]) {
  const terminal = pty.spawn(process.execPath, [driver, ...argv], {
    cols: 80,
    rows: 24,
    cwd: home,
    env: environment(),
  });
  let shown = '';
  let turn = 0;
  let from = 0;
  const ended = new Promise<number>((done) => terminal.onExit(({ exitCode }) => done(exitCode)));
  terminal.onData((text) => {
    shown += text;
    const next = turns[turn];
    if (next !== undefined && shown.slice(from).includes(next[0])) {
      turn += 1;
      from = shown.length;
      terminal.write(next[1]);
    }
  });
  return { status: await ended, shown, turn };
}

/** Closes our end of the terminal, as a window does; the process is told by the system alone. */
function closeWindow(terminal: pty.IPty): void {
  const { fd } = terminal as unknown as { readonly fd: number };
  closeSync(fd);
}

const asked = 'Stages 1 HOLD on pv1?';

describe('a question in a terminal', () => {
  it('takes one of its keys', async () => {
    const { status, shown } = await talk(['choose'], [[asked, 'y\r']]);
    expect(shown).toContain('ANSWER y');
    expect(status).toBe(0);
  });

  it('does nothing at Enter and at an unknown key but say the keys and ask again', async () => {
    const { shown, turn } = await talk(
      ['choose'],
      [
        [asked, '\r'],
        ['stop', 'Y\r'],
        ['stop', 'yes\r'],
        ['stop', 'b\r'],
      ],
    );
    expect(turn).toBe(4);
    expect(shown).toContain('  y  do it');
    expect(shown).toContain('  q  stop');
    expect(shown).toContain('ANSWER b');
  });

  it('gives at Enter what changes nothing, where it has such an answer', async () => {
    expect((await talk(['standard'], [['Copy and compare?', '\r']])).shown).toContain('ANSWER b');
  });

  it.each([
    ['q', 'choose', asked, 'q\r', 'stopped at a question'],
    ['Ctrl-D', 'choose', asked, '\u0004', 'the input has ended'],
    ['Ctrl-D behind letters', 'name', 'Type the name', 'pv\u0004', 'the input has ended'],
    ['Ctrl-C', 'choose', asked, '\u0003', 'Ctrl-C'],
    ['Enter instead of a name', 'name', 'Type the name', '\r', 'no name was typed'],
    ['q instead of a reason', 'line', 'Why', 'q\r', 'stopped at a question'],
    ['Ctrl-D instead of a password', 'secret', 'password', '\u0004', 'the input has ended'],
  ])('is stopped by %s, with status 7', async (_, what, question, typed, why) => {
    const { status, shown } = await talk([what], [[question, typed]]);
    expect(shown).toContain('REFUSED stopped');
    expect(shown).toContain(why);
    expect(status).toBe(7);
  });

  it('takes a name only when it is exactly the name', async () => {
    expect((await talk(['name'], [['Type the name', 'pv1\r']])).shown).toContain('ANSWER true');
    const wrong = await talk(
      ['name'],
      [
        ['Type the name', 'yes\r'],
        ['That is not pv1', ' pv1\r'],
        ['That is not pv1', 'PV1\r'],
      ],
    );
    expect(wrong.shown).toContain('ANSWER false');
    expect(wrong.shown.split('That is not pv1. Nothing was done.').length).toBe(4);
  });

  it('asks for a reason until there is one', async () => {
    const { shown } = await talk(
      ['line'],
      [
        ['Why', '\r'],
        ['Why', '  pv1 was cut off \r'],
      ],
    );
    expect(shown).toContain('ANSWER pv1 was cut off\r\n');
  });

  it('does not show a password', async () => {
    const { shown } = await talk(['secret'], [['password', 'hunter2\r']]);
    expect(shown).toContain('ANSWER 7');
    expect(shown).not.toContain('hunter2');
  });

  it('shows escapes of a hostile name as text', async () => {
    const { shown } = await talk(['hostile'], [['pv1?', 'q\r']]);
    expect(shown).toContain('Stop \\x1b[2J\\u{202e}pv1?');
  });

  it.each([
    ['the window is closed', undefined],
    ['SIGHUP', 'SIGHUP'],
    ['SIGTERM', 'SIGTERM'],
  ])('ends with its terminal: %s', async (_, signal) => {
    const said = join(home, `said-${signal}`);
    const script = `exec "${process.execPath}" "${driver}" choose >"${said}"`;
    const terminal = pty.spawn('sh', ['-c', script], { cwd: home, env: environment() });
    const ended = new Promise<number>((done) => terminal.onExit(({ exitCode }) => done(exitCode)));
    await new Promise<void>((done) => terminal.onData((text) => text.includes('HOLD') && done()));
    const began = Date.now();
    if (signal === undefined) {
      closeWindow(terminal);
    } else {
      terminal.kill(signal);
    }
    expect(await ended).toBe(7);
    expect(await readFile(said, 'utf8')).toMatch(
      /REFUSED stopped stopped: (the terminal is gone|the input has ended|this process was asked)/,
    );
    expect(Date.now() - began).toBeLessThan(2000);
  });
});

describe('a question without a terminal', () => {
  it.each([
    ['yes |', 'y\n'.repeat(1000)],
    ['an end of input', ''],
  ])('is refused before an answer is read: %s', async (_, input) => {
    const { status, stdout, stderr } = await run([driver, 'choose'], input);
    expect(stdout).toContain('REFUSED no-terminal');
    expect(stdout).toContain('answer with --yes');
    expect(stderr).toBe('');
    expect(status).toBe(2);
  });

  it('is refused when only stderr is no terminal, and when --no-input forbids it', async () => {
    const script = `"${process.execPath}" "${driver}" choose 2>/dev/null`;
    const terminal = pty.spawn('sh', ['-c', script], { cwd: home, env: environment() });
    let shown = '';
    terminal.onData((text) => {
      shown += text;
    });
    await new Promise((done) => terminal.onExit(done));
    expect(shown).toContain('REFUSED no-terminal');
    const forbidden = await talk(['choose', '--no-input'], []);
    expect(forbidden.shown).toContain('REFUSED no-terminal');
    expect(forbidden.shown).toContain('--no-input was given');
  });
});

describe('signals', () => {
  it.each([
    ['SIGINT', 'Ctrl-C', 130],
    ['SIGTERM', 'asked to end', 143],
    ['SIGHUP', 'terminal is gone', 129],
  ] as const)('%s stops politely, a second one at once', async (name, why, status) => {
    const child = spawn(process.execPath, [driver, 'wait'], { cwd: home, env: environment() });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('WAITING') || text.includes('FIRST')) {
        child.kill(name);
      }
    });
    const { stdout, status: ended } = await outputOf(child);
    expect(stdout).toMatch(new RegExp(`FIRST .*${why}[^]*SECOND .*${why}[^]*ANSWER ${status}`));
    expect(ended).toBe(0);
  });

  it('SIGUSR1 opens no inspector', async () => {
    const child = spawn(process.execPath, [driver, 'wait'], { cwd: home, env: environment() });
    const ended = outputOf(child);
    await new Promise<void>((done) => child.stdout.on('data', (text) => String(text).includes('WAITING') && done()));
    child.kill('SIGUSR1');
    child.kill('SIGINT');
    await new Promise<void>((done) => child.stdout.on('data', (text) => String(text).includes('FIRST') && done()));
    const refused = await new Promise<string>((done) => {
      const socket = createConnection({ host: '127.0.0.1', port: 9229 });
      socket.once('connect', () => done('open')).once('error', (error) => done(error.message));
      socket.once('close', () => socket.destroy());
    });
    child.kill('SIGINT');
    const { stderr } = await ended;
    expect(refused).toContain('ECONNREFUSED');
    expect(stderr).not.toContain('Debugger listening');
  });
});

describe('redis-runbook', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    for (const flag of ['--version', '-V']) {
      expect(await run([tool, flag])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  it('says without a command what to type in an outage, and which fleet is here', async () => {
    const none = await run([tool]);
    expect(none).toMatchObject({ status: 0, stderr: '' });
    expect(none.stdout).toMatch(/In an outage +redis-runbook recover/);
    expect(none.stdout).toContain('Fleet: none here');
    const fleet = resolve('test/fixtures/fleet/shop.yaml');
    expect((await run([tool], '', environment({ REDIS_RUNBOOK_FLEET: fleet }))).stdout).toContain('(shop, 5 hosts)');
    const broken = join(home, 'broken.yaml');
    await writeFile(broken, 'name: 1\n');
    expect((await run([tool, '-f', broken])).stdout).toContain('not usable: status says why');
    expect(Math.max(...none.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([['help'], ['--help'], ['-h']])('shows all commands in 80 columns: %s', async (word) => {
    const { status, stdout } = await run([tool, word]);
    expect(status).toBe(0);
    for (const name of ['status', 'recover', 'plan', 'runbook', 'lab', 'history', 'report', 'explain', 'schema']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} ?`, 'm'));
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('explains recover with examples and exit statuses', async () => {
    const { status, stdout } = await run([tool, 'recover', '--help']);
    expect(status).toBe(0);
    for (const part of ['--set-aside <NODE>', 'Examples:', 'Exit status:', '3  refused for safety', '10  serves']) {
      expect(stdout).toContain(part);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([
    [['recvoer'], 'there is no command recvoer', 'recover'],
    [['help', 'recvoer'], 'there is no command recvoer', 'recover'],
    [['recvoer', '--help'], 'there is no command recvoer', 'recover'],
    [['recover', '--promot', 'pv1'], "unknown flag '--promot'", '--promote'],
    [['--promot', 'pv1', 'recover'], "unknown flag '--promot'", '--promote'],
    [['status', '--jsn'], "unknown flag '--jsn'", '--json'],
    [['runbook', 'lsit'], "unknown command 'lsit'", 'list'],
    [['recover', '--path', 'colt'], "argument 'colt' is invalid", 'cold'],
  ])('names the nearest word: %j', async (argv, says, near) => {
    const { status, stdout, stderr } = await run([tool, ...argv]);
    expect(stderr).toContain(says);
    expect(stderr).toContain(`did you mean ${near}?`);
    expect(stderr).toContain('[usage]');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it.each([
    [['resume', '7K3Q', '7K3R'], 'too many arguments'],
    [['recover', '--reason'], '--reason needs a value'],
    [['recover', '--promote', '--yes'], '--promote needs a value, and --yes is a flag'],
    [['recover', '--promote', 'pv1', '--promote', 'pv2'], "given twice, first as 'pv1'"],
    [['runbook'], 'runbook needs one of: list, show, check'],
    [['explain'], 'missing required argument'],
    [['completion', 'tcsh'], 'bash, zsh, fish'],
    [['status', '-f', 'none.yaml'], 'there is no such file'],
  ])('refuses what it cannot understand: %j', async (argv, says) => {
    const { status, stderr } = await run([tool, ...argv]);
    expect(stderr.replace(/\s+/g, ' ')).toContain(says);
    expect(status).toBe(2);
  });

  it('says errors as one JSON document with --json, wherever it stands', async () => {
    for (const argv of [
      ['--json', 'status', '-f', 'none.yaml'],
      ['status', '-f', 'none.yaml', '--json'],
      ['--json', 'frob'],
    ]) {
      const { status, stdout, stderr } = await run([tool, ...argv]);
      const { schema, error } = JSON.parse(stdout) as { schema: string; error: { code: string; exit: number } };
      expect(schema).toBe('redis-runbook/error/1');
      expect(error.exit).toBe(status);
      expect(['no-fleet', 'usage']).toContain(error.code);
      expect(stderr).toBe('');
    }
  });

  it('shows every mistake of a fleet file before it does anything', async () => {
    const path = join(home, 'fleet.yaml');
    await writeFile(path, 'name: shop\ngruop: a\nhosts: { \u202epv1: {} }\n');
    const { stdout } = await run([tool], '', environment());
    await rm(path);
    expect(stdout).toContain('not usable');
    expect(stdout).not.toContain('\u202e');
  });

  it('writes the JSON Schema, and is content when nobody reads it', async () => {
    const { status, stdout } = await run([tool, 'schema']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'fleet.yaml of redis-runbook' });
    const child = spawn('bash', ['-c', `"${process.execPath}" "${tool}" schema | true; echo "\${PIPESTATUS[0]}"`], {
      cwd: home,
      env: environment(),
    });
    expect(await outputOf(child)).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  it('puts its own mistakes into a file that only the owner can read, and shows no stack', async () => {
    const state = join(home, 'state');
    const hook = `data:text/javascript,${encodeURIComponent(
      'Object.defineProperty(process, "cwd", { value: () => { throw new Error("canary-in-a-stack"); } });',
    )}`;
    const env = environment({ XDG_STATE_HOME: state });
    const { status, stdout, stderr } = await run(['--import', hook, tool, 'status'], '', env);
    expect(status).toBe(70);
    expect(`${stdout}${stderr}`).not.toContain('canary');
    const directory = join(state, 'redis-runbook', 'crashes');
    const [name = ''] = await readdir(directory);
    expect(stderr).toContain(join(directory, name));
    expect(await readFile(join(directory, name), 'utf8')).toContain('canary-in-a-stack');
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const json = await run(['--import', hook, tool, 'status', '--json'], '', env);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'bug', exit: 70 } });
    expect(json.stdout).not.toContain('canary');
  });

  it('is refused by an old Node in words', async () => {
    const hook = `data:text/javascript,${encodeURIComponent(
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } });',
    )}`;
    const { status, stderr } = await run(['--import', hook, tool, '--version']);
    expect(stderr).toContain('needs Node 20.19 or newer, this is 18.20.4');
    expect(status).toBe(2);
  });

  it('completes commands, flags and fixed values in bash', async () => {
    const complete = async (...words: string[]) => {
      const script = [
        `source <("${process.execPath}" "${tool}" completion bash)`,
        `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
        `COMP_CWORD=${words.length - 1}`,
        '_redis_runbook',
        `printf "%s\\n" "\${COMPREPLY[@]}"`,
      ].join('\n');
      const { stdout, stderr } = await outputOf(spawn('bash', ['-c', script], { cwd: home, env: environment() }));
      expect(stderr).toBe('');
      return stdout.split('\n').filter((line) => line !== '');
    };
    expect(await complete('redis-runbook', 're')).toEqual(['recover', 'rejoin', 'resume', 'report']);
    expect(await complete('redis-runbook', 'recover', '--p')).toEqual(['--path', '--promote', '--plain']);
    expect(await complete('redis-runbook', 'recover', '--path', 'c')).toEqual(['cold']);
    expect(await complete('redis-runbook', '-f', 'x', 'runbook', 'l')).toEqual(['list']);
    expect(await complete('redis-runbook', 'lab', 'dr')).toEqual(['drill']);
    expect(await complete('redis-runbook', 'completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });
});

it('ends with 70 when its own files are replaced while it runs, and says so once', async () => {
  const copy = join(home, 'replaced');
  for (const part of ['bin', 'dist', 'package.json']) await cp(resolve(part), join(copy, part), { recursive: true });
  for (const file of ['program.js', 'crash-file.js']) await rm(join(copy, 'dist/cli', file));
  const ended = await run([join(copy, 'bin/redis-runbook.js'), 'status']);
  expect(ended).toMatchObject({ status: 70, stdout: '' });
  expect(ended.stderr).toBe('redis-runbook: this is a mistake of the tool itself, not of your fleet. [bug]\n');
  const json = await run([join(copy, 'bin/redis-runbook.js'), 'status', '--json']);
  expect(json).toMatchObject({ status: 70, stderr: '' });
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'bug', exit: 70 } });
});
