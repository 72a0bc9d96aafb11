import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prngOf } from '../../src/lab/prng.js';
import { foundIn, spellingsOf } from '../live/canaries.js';
import { startFlipping, stopFlipping } from './flip.js';
import { bootFleet } from './machines.js';
import type { Machines } from './shapes.js';

/**
 * Whoever controls the user `redis` on the machines (the usual foothold) must not get root there, nor make the tool read,
 * copy or change what only root may. RUNBOOK_THREATS_RUNS recoveries go through the flipping of links (3 when left out),
 * RUNBOOK_THREATS_SEED draws which file leads where.
 */
const runs = Number(process.env.RUNBOOK_THREATS_RUNS ?? 3);
const seed = Number(process.env.RUNBOOK_THREATS_SEED ?? 1);
const names = ['pv1', 'pv2', 'pv3'] as const;
/** Stands in /etc/shadow and in /root/canary of every machine, and nowhere else. */
const MARK = 'CanaryOfRoot';

let machines: Machines;

beforeAll(async () => {
  const hosts = names.map((name) => ({ name, runs: ['redis', 'sentinel'] as const }));
  machines = await bootFleet({ hosts, seed, persistence: 'rdb' });
  await machines.untilSettled();
  for (const name of names) {
    await root(name, `echo '${MARK}:$6$${MARK}:19000:0:99999:7:::' >> /etc/shadow; echo ${MARK} > /root/canary`);
  }
  await machines.write({ count: 200 });
  await machines.untilCaughtUp();
  await machines.powerOff(names);
  await machines.boot(names, { quiet: true });
});
afterAll(() => machines?.down());

async function root(name: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await machines.asRoot(name, script);
  if (status !== 0) throw new Error(`${name}: ${script}: ${stderr}`);
  return stdout;
}

/** What root alone owns: content, owner, mode, links and the directories that hold it. */
function rootsOwn(name: string): Promise<string> {
  return root(
    name,
    `sha256sum /root/canary /etc/shadow /etc/passwd; stat -c '%n %u:%g %a %h %i' /root/canary /etc/shadow /etc /root
     ls -A /root; ls -A /etc`,
  );
}

/** Files on a machine that hold the mark, those apart in which it belongs. */
async function copiesOn(name: string): Promise<string> {
  const places = '/etc /var /tmp /run /home /root /opt /srv';
  const found = await root(name, `grep -rlsI ${MARK} ${places} 2> /dev/null | sort; true`);
  return found
    .split('\n')
    .filter((path) => path !== '' && path !== '/etc/shadow' && path !== '/root/canary')
    .join('\n');
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

/** Nothing that the tool said or kept holds the mark, here or there. */
async function nothingGotOut(said: string): Promise<void> {
  expect(said).not.toContain(MARK);
  const kept = filesBelow(join(machines.directory, 'operator')).filter((path) => readFileSync(path).includes(MARK));
  expect(kept).toEqual([]);
  for (const name of names) expect(await copiesOn(name)).toBe('');
}

/** Reads command line and environment of every process on the machines fifty times a second. */
function watchMachines(secrets: readonly string[]) {
  const spellings = secrets.map(spellingsOf);
  const leaks = new Set<string>();
  const programs = new Set<string>();
  const temporary = new Set<string>();
  let samples = 0;
  const read = (path: string) => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return '';
    }
  };
  const spaceOf = (pid: number | string) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return '';
    }
  };
  const spaces = new Set([...machines.fleet.on.values()].map(({ init }) => spaceOf(init)));
  const timer = setInterval(() => {
    samples += 1;
    for (const { root: disk, name } of machines.hosts) {
      for (const each of readdirSync(join(disk, 'tmp'))) temporary.add(`${name}:/tmp/${each}`);
    }
    for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
      if (!spaces.has(spaceOf(pid))) continue;
      const [cmdline, environ] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
      programs.add(cmdline.split('\0')[0]?.split('/').at(-1) ?? '');
      for (const each of spellings) {
        for (const how of foundIn(cmdline, each)) leaks.add(`cmdline ${how}: ${cmdline}`);
        for (const how of foundIn(environ, each)) leaks.add(`environ ${how} of ${cmdline}`);
      }
    }
  }, 20);
  return {
    end: () => {
      clearInterval(timer);
      return { leaks: [...leaks], programs, samples, temporary: [...temporary] };
    },
  };
}

const recover = (login: 'ops' | 'root' = 'ops', ...more: readonly string[]) =>
  machines.runbook(['recover', '--yes', '--plain', '-v', ...more], { login, timeoutMs: 240_000 });

describe('the user redis of a machine', () => {
  it('gets nothing of root by planted links, however the run ends', async () => {
    const draw = prngOf(seed);
    const before = await Promise.all(names.map(rootsOwn));
    const temporaryBefore = await Promise.all(names.map((name) => root(name, 'ls -A /tmp')));
    const pids = await Promise.all(names.slice(0, 2).map((name) => startFlipping(machines, name, draw)));
    let said = '';
    try {
      for (let n = 0; n < runs; n += 1) {
        const { stdout, stderr } = await recover(n % 2 === 0 ? 'ops' : 'root');
        said += stdout + stderr;
      }
      // The attack went on all the time, or it proves nothing.
      for (const [index, pid] of pids.entries()) await root(names[index] ?? '', `[ -d /proc/${pid} ]`);
    } finally {
      await Promise.all(pids.map((pid, index) => stopFlipping(machines, names[index] ?? '', pid)));
    }
    expect(await Promise.all(names.map(rootsOwn)), said).toEqual(before);
    await nothingGotOut(said);
    expect(await Promise.all(names.map((name) => root(name, 'ls -A /tmp')))).toEqual(temporaryBefore);
  });

  it('gone, the fleet is recovered; no password was in a command or an environment, and nothing in /tmp', async () => {
    const watch = watchMachines([machines.password]);
    const recovered = await recover();
    const watched = watch.end();
    expect([0, 10], `${recovered.stdout}${recovered.stderr}`).toContain(recovered.status);
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(watched.leaks).toEqual([]);
    expect(watched.samples).toBeGreaterThan(50);
    expect([...watched.programs].some((program) => /^(sh|sudo|setpriv)$/.test(program))).toBe(true);
    expect(watched.temporary.filter((path) => !path.includes('systemd-private'))).toEqual([]);
    // What a run that was cut off left, the one that went on has taken away.
    for (const name of names) {
      const left = await root(
        name,
        "find / -xdev \\( -name '.*redis-runbook-??????????' -o -name '*.old' -path '*redis-runbook*' -o -name '.start.*' -o -name 'redis-runbook-trial*' \\) -exec ls -ld {} + 2> /dev/null; true",
      );
      expect(left.split('\n').filter((path) => path !== '' && !path.includes(' /proc'))).toEqual([]);
    }
  });

  it('leads root nowhere by what a config names', async () => {
    await machines.powerOff(names);
    await machines.boot(names, { quiet: true });
    const lines: Readonly<Record<string, readonly string[]>> = {
      pv1: ['pidfile /proc/1/stat'],
      pv2: ['dir /etc', 'dbfilename shadow', 'include /etc/shadow', 'include /root/*'],
      pv3: ['dir /var/lib/redis', 'dbfilename ../../../root/canary', 'logfile /root/canary', 'pidfile /root/canary'],
    };
    for (const name of names) {
      await root(name, `printf '%s\\n' '${lines[name]?.join("' '")}' >> /etc/redis/redis.conf`);
    }
    const before = await Promise.all(names.map(rootsOwn));
    const looked = await machines.runbook(['status', '--why', '-vv'], { login: 'root' });
    const planned = await machines.runbook(['plan', '-v'], { login: 'ops' });
    let said = [looked, planned].map(({ stdout, stderr }) => stdout + stderr).join('');
    // The second one goes on to the actions: what is set aside would be kept, and brought here.
    const accepted = ['--promote', 'pv1', '--set-aside', 'pv2,pv3', '--reason', 'a test'];
    for (const [login, more] of [
      ['root', []],
      ['ops', accepted],
      ['root', accepted],
    ] as const) {
      const { status, stdout, stderr } = await recover(login, ...more);
      expect(status, stdout + stderr).not.toBe(0);
      said += stdout + stderr;
    }
    expect(said).toContain('2 KEEP');
    expect(await Promise.all(names.map(rootsOwn)), said).toEqual(before);
    await nothingGotOut(said);
  });
});
