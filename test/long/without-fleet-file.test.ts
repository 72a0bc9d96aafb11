import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SearchTools, searchFleet } from '../../src/discover/search.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { resolveTarget } from '../../src/hosts/ssh/resolve-target.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import { filesOf } from '../live/dead-fleet.js';
import { ownAddress } from '../live/own-redis.js';
import { OwnSshds } from '../live/own-sshd.js';
import { endOf } from '../live/pipes.js';
import { inTerminal } from '../live/terminal.js';

const tool = resolve('bin/redis-runbook.js');
const operator = mkdtempSync(join(tmpdir(), 'redis-runbook-night-'));
const sshds = new OwnSshds();
let lab: Lab;
let seed: string;

beforeAll(async () => {
  lab = await labUp({ redis: 3, sentinels: 3, ownerPid: process.pid, seed: 77 });
  seed = lab.hosts[0]?.address ?? '';
});
afterAll(async () => {
  await sshds.end();
  await lab.down({ remove: true });
  rmSync(operator, { recursive: true, force: true });
});

/** The program without a terminal, in a directory without a fleet file. */
function run(...args: readonly string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: operator, XDG_STATE_HOME: join(operator, 'operator') };
  return endOf(spawn(process.execPath, [tool, ...args], { cwd: operator, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

interface FoundJson {
  readonly members: readonly { host: string; kind: string; known: string; runs: boolean; config: string }[];
  readonly conflicts: readonly string[];
}

const addresses = () => lab.hosts.map(({ address }) => address).sort();
const tooWide = (text: string) => text.split('\n').filter((line) => line.length > 80 && !/\S{40,}/.test(line));

describe('a fleet that runs, without a fleet file', () => {
  test('status HOST finds it whole from one machine, and says how each member is known', async () => {
    const shown = await run('status', seed);
    expect(shown.stdout).toContain(`FOUND FROM ${seed}\n3 redis and 3 sentinels of stn-master on 3 machines.`);
    expect(shown.stdout).toContain(`redis-runbook init ${seed}`);
    expect(shown.stdout).toContain('stn-master is healthy');
    expect(tooWide(shown.stdout)).toEqual([]);
    expect(shown.status).toBe(0);
    const { stdout, status } = await run('status', seed, '--json');
    const { found, schema } = JSON.parse(stdout) as { found: FoundJson; schema: string };
    expect({ status, schema }).toEqual({ status: 0, schema: 'redis-runbook/status/1' });
    for (const kind of ['redis', 'sentinel'])
      expect(found.members.filter((each) => each.kind === kind).map(({ host }) => host)).toEqual(addresses());
    expect(found.members.every(({ known, runs }) => known === 'seen' && runs)).toBe(true);
    expect(found.conflicts).toEqual([]);
  });

  test('the machines of another network are entered over ssh, as the first one was, and one that is shut is told', async () => {
    const servers = [];
    for (const { address } of lab.hosts) servers.push(await sshds.start([], { at: address }));
    const [first, , last] = servers;
    for (const server of servers) if (server !== last) sshds.know(server);
    writeFileSync(
      sshds.configFile,
      `IdentityAgent none\nHost night\n  HostName ${first?.address}\n  Port ${first?.port}\n  User ${sshds.user}\n  IdentityFile ${sshds.identity}\n  UserKnownHostsFile ${sshds.knownHosts}\n`,
    );
    const { signal } = new AbortController();
    const target = (asked: Parameters<SearchTools['resolve']>[0]) =>
      resolveTarget(asked, signal, { configFile: sshds.configFile });
    const told: string[] = [];
    const { found, needs } = await searchFleet(
      { named: ['night'], places: [], stateDirectory: operator },
      {
        open: async (entry) =>
          openRemoteHost(entry, openSshChannel(await target(entry), { verify: hostKeyVerifier({}) })),
        resolve: target,
        questionsAnswered: async () => false,
        tell: (line) => void told.push(line),
        now: () => new Date(),
        signal,
      },
    );
    expect(told[0]).toMatch(/^night names .*: looking there, too\.$/);
    const known = found.members.map(({ host, known: how }) => [host === last?.address, how]);
    expect(known.every(([isShut, how]) => how === (isShut ? 'claimed' : 'seen'))).toBe(true);
    expect(found.members).toHaveLength(6);
    expect(found.visits.find(({ name }) => name === last?.address)?.seen).toMatchObject({
      ok: false,
      detail: expect.stringContaining(`The key of ${last?.address} is not known`),
    });
    const [shut] = found.members.filter(({ host }) => host === last?.address);
    expect(shut && needs.sshOf(shut, undefined)).toMatchObject({ port: first?.port, identity: sshds.identity });
    for (const server of servers) await server.stop();
  });
});

describe('a fleet that is all dead, with files only', () => {
  beforeAll(async () => {
    await lab.write();
    // Sentinels first: nobody elects anybody, and every node ends in order with its data saved.
    for (const kind of ['sentinel', 'redis'] as const)
      for (const { name } of lab.hosts) await lab.kill(name, kind, 'SIGTERM');
    expect(lab.running()).toEqual([]);
  });

  test('is not found without its files, and the error says what to type', async () => {
    const { status, stderr } = await run('status', seed);
    expect(stderr).toContain('has no redis and no sentinel that could be found');
    expect(stderr).toContain(`redis-runbook status ${seed} --conf DIR`);
    expect(status).toBe(2);
  });

  test('is found and judged from the files', async () => {
    const { status, stdout } = await run('status', seed, '--conf', lab.directory);
    expect(stdout).toContain('3 redis and 3 sentinels of stn-master on 3 machines.');
    expect(stdout).toContain('stn-master is down');
    expect(stdout).toContain(`redis-runbook recover ${seed} --conf ${lab.directory}`);
    expect(status).toBe(1);
  });

  test('is not recovered unless a person says that it is all; --yes does not say it', async () => {
    const before = filesOf(lab);
    const { status, stderr } = await run('recover', seed, '--conf', lab.directory, '--yes');
    expect(stderr).toContain('Whether that is the whole fleet must be said by a person');
    expect(stderr).toContain(`redis-runbook init ${seed} --conf ${lab.directory}`);
    expect(status).toBe(2);
    const directory = join(operator, 'operator', 'redis-runbook', 'found');
    const file = join(directory, readdirSync(directory).find((name) => name.endsWith('.yaml')) ?? '');
    const around = await run('recover', '--yes', '--fleet', file);
    expect(around.stderr).toContain('Nobody has said yet that the fleet that was found is the whole');
    expect(around.stderr).toContain('redis-runbook recover HOST ');
    expect(around.status).toBe(3);
    expect(filesOf(lab)).toEqual(before);
  });

  test('is recovered with a person, and a run that was stopped goes on without a fleet file', async () => {
    const terminal = inTerminal({ directory: operator }, ['recover', seed, '--conf', lab.directory]);
    await terminal.sees('Is that the whole fleet? y or q:');
    terminal.type('y\r');
    await terminal.sees('Stages 1 HOLD, 2 KEEP on');
    await terminal.sees('?');
    terminal.type('y\r');
    await terminal.sees('Stages 3 STOP, 4 REWRITE, 5 CHECK on');
    terminal.type('q\r');
    expect(await terminal.ended()).toBe(8);
    const { status, stdout, stderr } = await run('resume', '--yes');
    expect(stderr).toBe('');
    expect(stdout).toContain('stn-master serves again');
    expect(status).toBe(0);
    const writes = await lab.checkWrites();
    expect({ missing: writes.missing, extra: writes.extra }).toEqual({ missing: [], extra: [] });
  });
});

describe('a fleet file that is made of what was found', () => {
  test('is written once, and never over another one', async () => {
    const first = await run('init', seed);
    expect(first.stdout).toContain('Written: fleet.yaml');
    expect(first.status).toBe(0);
    const text = readFileSync(join(operator, 'fleet.yaml'), 'utf8');
    expect((await run('status', '--quiet')).status).toBe(0);
    appendFileSync(join(operator, 'fleet.yaml'), '# mine\n');
    const again = await run('init', seed);
    expect(again.stdout).toContain('fleet.yaml is there and stays as it is');
    expect(again.stdout).toContain('- # mine');
    expect(readFileSync(join(operator, 'fleet.yaml'), 'utf8')).toBe(`${text}# mine\n`);
    const proposed = readFileSync(join(operator, 'fleet.yaml.new'), 'utf8');
    appendFileSync(join(operator, 'fleet.yaml.new'), '# mine, too\n');
    const third = await run('init', seed);
    expect(third.status).toBe(2);
    expect(third.stderr).toContain('fleet.yaml.new is there already: nothing is written over it');
    expect(third.stderr).toContain('mv -- fleet.yaml.new fleet.yaml');
    expect(readFileSync(join(operator, 'fleet.yaml.new'), 'utf8')).toBe(`${proposed}# mine, too\n`);
    const refused = await run('status', seed);
    expect(refused.stderr).toContain(`./fleet.yaml declares ${seed}`);
    expect(refused.status).toBe(2);
    for (const name of ['fleet.yaml', 'fleet.yaml.new']) rmSync(join(operator, name));
  });
});

describe('files that say what they should not', () => {
  test('two groups are told, and one must be named', async () => {
    const [at, directory] = [ownAddress(), mkdtempSync(join(operator, 'two-'))];
    const redis = [6379, 6380].map((port) => [
      `redis-${port}.conf`,
      `bind ${at}\nport ${port}\nsave ""\nreplica-priority 100\n`,
    ]);
    const lines = ['shop 6379', 'cache 6380']
      .map((row) => row.split(' '))
      .map(([group, port]) => `sentinel monitor ${group} ${at} ${port} 2`);
    const sentinel = `bind ${at}\nport 26379\n${lines.join('\n')}\nsentinel myid ${'a'.repeat(40)}\n`;
    for (const [name = '', text = ''] of [...redis, ['sentinel.conf', sentinel]])
      writeFileSync(join(directory, name), text);
    const both = await run('status', at, '--conf', directory);
    expect(both.stdout).toContain('2 redis and 1 sentinel of cache and shop on 1 machine.');
    expect(both.stderr).toContain('several groups');
    expect(both.stderr).toContain('--group, one of cache, shop');
    expect(both.status).toBe(2);
    const one = await run('status', at, '--conf', directory, '--group', 'cache');
    expect(one.stdout).toContain('cache is down');
    expect(one.status).toBe(1);
  });

  test('a hostile name is shown harmlessly, is nobody to call, and keeps a recovery away', async () => {
    const [at, directory] = [ownAddress(), mkdtempSync(join(operator, 'hostile-'))];
    const canary = join(operator, 'canary');
    const evil = ['-oProxyCommand=touch\\x20canary', `$(touch ${canary})`, '10.0.0.1\\x1b[2Jpv9', '\\xe2\\x80\\xaepv1'];
    mkdirSync(join(directory, 'own'));
    writeFileSync(join(directory, 'own', 'redis.conf'), `bind ${at}\nport 6379\nsave ""\n`);
    writeFileSync(
      join(directory, 'own', 'sentinel.conf'),
      [
        `bind ${at}`,
        `sentinel monitor shop ${at} 6379 2`,
        `sentinel myid ${'a'.repeat(40)}`,
        ...evil.map((name) => `sentinel known-replica shop "${name}" 6379`),
        '',
      ].join('\n'),
    );
    const { stdout, stderr } = await run('status', at, '--conf', directory);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not reach a terminal
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stderr).not.toContain('looking there');
    expect(stdout).toContain('which is none');
    const terminal = inTerminal({ directory: operator }, ['recover', at, '--conf', directory]);
    await terminal.sees('What was found contradicts itself or is not whole');
    expect(await terminal.ended()).toBe(3);
    expect(readdirSync(operator)).not.toContain('canary');
  });
});
