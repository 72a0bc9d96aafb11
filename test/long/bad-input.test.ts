import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { configOf } from '../../src/lab/layout.js';
import { infoFields } from '../../src/lab/resp.js';
import { labUp } from '../../src/lab/up.js';
import { type DeadFleet, deadFleet, filesOf, leftOn, removeLab } from '../live/dead-fleet.js';
import { kill } from '../live/own-redis.js';
import { askRedis, infoOf, seen } from '../live/path-lab.js';
import { type Ended, piped } from '../live/pipes.js';

/** Everything a recovery could have changed: files of the hosts but what live servers write, processes, the operator's state. */
function trace(lab: Lab): object {
  const own = Object.entries(filesOf(lab)).filter(([path]) => !/\/(log|data)\/|sentinel\.conf$|\.pid$/.test(path));
  const runs = join(lab.directory, 'operator', 'redis-runbook', 'runs');
  return {
    files: own,
    servers: lab.running().map(({ pid }) => pid),
    left: leftOn(lab),
    runs: existsSync(runs) ? readdirSync(runs) : [],
  };
}

/** What the error block says, on one line. */
const said = ({ stderr }: Ended): string => stderr.replace(/\s+/g, ' ');

function withPassword(lab: Lab): string {
  const path = join(lab.directory, 'fleet-password.yaml');
  const text = readFileSync(lab.fleetFile, 'utf8');
  writeFileSync(path, text.replace('defaults:\n', 'defaults:\n  password: { env: WRONG_ONE }\n'));
  return path;
}

describe('a fleet file with a mistake', () => {
  let lab: Lab;
  let dead: DeadFleet;
  beforeAll(async () => {
    dead = await deadFleet('cascade-clean', 41);
    lab = await dead.copy();
  });
  afterAll(async () => {
    await removeLab(lab);
    dead.remove();
  });

  const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const bomb = levels
    .map(
      (name, at) =>
        `${name}: &${name} [${Array(9)
          .fill(at === 0 ? 'x' : `*${levels[at - 1]}`)
          .join(', ')}]`,
    )
    .join('\n');
  const cases: readonly [string, (text: string) => string, string][] = [
    [
      'an unknown key',
      (text) => text.replace('defaults:', 'defalts:'),
      ':4:1 unknown key "defalts"; did you mean "defaults"?',
    ],
    [
      'a wrong type',
      (text) => text.replace('port: 6379', 'port: many'),
      'redis.port: expected a whole number, found "many"',
    ],
    [
      'two nodes on one port',
      (text) => text.replace(/address: (127\.\d+\.\d+)\.2\b/, 'address: $1.1'),
      'stands at the same address and port as redis of pv1',
    ],
    ['an alias bomb', () => bomb, ':1:1 too many aliases (*name): at most 50 copies'],
    [
      'an unknown group',
      (text) => text.replace('redis: { port: 6379', 'redis: { group: stn-mastr, port: 6379'),
      'the group "stn-mastr" is not declared; did you mean "stn-master"?',
    ],
  ];
  test.each(cases)(
    '%s: line, column, what was expected, the next command, and nothing is touched',
    async (_, change, says) => {
      const before = trace(lab);
      const right = readFileSync(lab.fleetFile, 'utf8');
      writeFileSync(lab.fleetFile, change(right));
      try {
        for (const words of [['status'], ['recover', '--yes']]) {
          const ended = await piped(lab, words);
          expect(ended.status, ended.stderr).toBe(2);
          expect(said(ended)).toContain('[fleet-file]');
          expect(said(ended)).toContain(says);
          expect(said(ended)).toMatch(/fleet\.yaml:\d+:\d+ /);
          expect(said(ended)).toContain('Next: redis-runbook schema');
          expect(ended.stdout).toBe('');
        }
      } finally {
        writeFileSync(lab.fleetFile, right);
      }
      expect(trace(lab)).toEqual(before);
    },
  );

  const places: readonly [string, string, RegExp][] = [
    ['redis.conf', 'redis.conf', /redis\.conf/],
    ['its data', 'data/dump.rdb', /RDB file/],
  ];
  test.each(places)(
    'a directory in the place of %s of the freshest node: nobody else wins, nothing is touched',
    async (_, path, says) => {
      const host = lab.hosts.find(({ name }) => name === dead.lastWriter);
      const place = join(host?.directory ?? '', path);
      renameSync(place, `${place}.away`);
      mkdirSync(place);
      try {
        const before = trace(lab);
        const ended = await piped(lab, ['recover', '--yes']);
        expect([3, 4], said(ended)).toContain(ended.status);
        expect(said(ended)).toMatch(says);
        expect(said(ended)).toContain('Next:');
        expect(trace(lab)).toEqual(before);
      } finally {
        rmSync(place, { recursive: true });
        renameSync(`${place}.away`, place);
      }
    },
  );
});

describe('a node that runs and cannot be asked', () => {
  let lab: Lab;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    lab = await labUp({ seed: 42, ownerPid: process.pid });
    await lab.write({ count: 20 });
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => kill(child)));
    await removeLab(lab);
  });

  async function refused(...more: readonly string[]): Promise<Ended> {
    const before = trace(lab);
    const ended = await piped(lab, ['recover', '--yes', ...more], 'null', { WRONG_ONE: 'not-the-password' });
    expect(trace(lab)).toEqual(before);
    expect(said(ended)).toContain('Next:');
    return ended;
  }

  test('because the password is wrong: said as that, tried once at each node', async () => {
    const tries = () => Promise.all(['pv1', 'pv2', 'pv3'].map((name) => failedLogins(lab, name)));
    const before = await tries();
    const fleet = lab.fleetFile;
    const file = withPassword(lab);
    const right = readFileSync(fleet, 'utf8');
    writeFileSync(fleet, readFileSync(file, 'utf8'));
    try {
      const ended = await refused();
      expect(ended.status).toBe(4);
      expect(said(ended)).toMatch(/pv1, pv2 and pv3 refuse the Redis password \(tried once\): WRONGPASS .*\[auth\]/);
      expect(said(ended)).toContain('correct where fleet.yaml takes the password from');
      expect(await tries()).toEqual(before.map((count) => count + 1));
      const status = await piped(lab, ['status'], 'null', { WRONG_ONE: 'not-the-password' });
      expect(status.status).toBe(4);
      expect(status.stdout.replace(/\s+/g, ' ')).toMatch(
        /^The state of stn-master is not known: pv1, pv2 and pv3 run and refuse/,
      );
      expect(status.stdout + status.stderr).not.toContain('not-the-password');
    } finally {
      writeFileSync(fleet, right);
      rmSync(file);
    }
  });

  test('because it hangs', async () => {
    await lab.kill('pv3', 'redis', 'SIGSTOP');
    try {
      const ended = await refused();
      expect(ended.status).toBe(4);
      expect(said(ended)).toMatch(
        /pv3 runs \(pid \d+\) and does not answer: no answer in 3000 ms\. \[too-little-seen\]/,
      );
    } finally {
      await lab.kill('pv3', 'redis', 'SIGCONT');
    }
  });

  test('because it loads its data', async () => {
    const host = lab.hosts.find(({ name }) => name === 'pv3');
    const config = host ? configOf(host, 'redis') : '';
    const right = readFileSync(config, 'utf8');
    const fill = "for i=1,20000 do redis.call('SET','k'..i,string.rep('x',100)) end";
    await askRedis(lab, 'pv1', 'EVAL', fill, '0');
    await seen('pv3 has the keys', async () => (await infoOf(lab, 'db0', 'pv3'))[0]?.startsWith('keys=2') === true);
    await lab.kill('pv3', 'redis', 'SIGTERM');
    await seen('pv3 is off', () => !isRedis(lab, host?.address));
    // A millisecond for each key: long enough to be looked at.
    appendFileSync(config, 'key-load-delay 1000\nloading-process-events-interval-bytes 1024\n');
    await lab.start('pv3', 'redis');
    await seen('pv3 loads', async () => (await infoOf(lab, 'loading', 'pv3'))[0] === '1');
    const ended = await refused();
    writeFileSync(config, right);
    expect(ended.status).toBe(4);
    expect(said(ended)).toContain(
      'pv3 is loading its data: how it stands to the others is known when it has loaded. [too-little-seen]',
    );
    expect(said(ended)).toMatch(/redis-runbook status .*--watch/);
    await seen('pv3 has loaded', async () => (await infoOf(lab, 'master_link_status', 'pv3'))[0] === 'up', 60_000);
  });

  test('because another program has its port', async () => {
    const host = lab.hosts.find(({ name }) => name === 'pv3');
    await lab.kill('pv3', 'redis', 'SIGKILL');
    const serve = `require('http').createServer((_, r) => r.end('hello')).listen(6379, '${host?.address}', () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', serve], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await new Promise((done) => child.stdout?.once('data', done));
    const ended = await refused();
    expect(ended.status).toBe(3);
    expect(said(ended)).toContain(`pv3: port 6379 is held by node (pid ${child.pid})`);
    expect(said(ended)).toContain('Nothing was changed. [blocked]');
  });
});

/** How many AUTH the server itself refused. */
async function failedLogins(lab: Lab, name: string): Promise<number> {
  const stats = infoFields(await askRedis(lab, name, 'INFO', 'commandstats')).get('cmdstat_auth') ?? '';
  return Number(/failed_calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

function isRedis(lab: Lab, address: string | undefined): boolean {
  return lab.running().some((one) => one.address === address && one.kind === 'redis');
}
