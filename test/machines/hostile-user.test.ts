import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prngOf } from '../../src/lab/prng.js';
import { foundIn, spellingsOf } from '../live/canaries.js';
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

/** As the user redis: each file of its own, and every temporary name beside it, turns into a link and back, without end. */
const FLIP = `trap 'ended=1' TERM
ended=
flip() {
  cd "$1" || return
  for each in .*redis-runbook* .redis-runbook-*/*/.*redis-runbook*; do
    [ -f "$each" ] && [ ! -L "$each" ] && rm -f "$each" && ln -s "$3" "$each"
  done
  [ -f "$2" ] || [ -e "$2.mine" ] || return
  mv "$2" "$2.mine"; ln -sf "$3" "$2"; rm -f "$2"; mv -T "$2.mine" "$2"
}
until [ -n "$ended" ]; do
  while read -r directory file target; do flip "$directory" "$file" "$target"; done < "$1"
  sleep 0.0$(($$ % 5 + 1))
done 2> /dev/null`;

async function startFlipping(name: string, draw: ReturnType<typeof prngOf>): Promise<string> {
  const files = ['/var/lib/redis dump.rdb', '/etc/redis redis.conf', '/etc/redis sentinel.conf'];
  const targets = ['/root/canary', '/etc/shadow', '/root', '/etc'];
  const lines = files.flatMap((file) => targets.filter(() => draw.chance(0.6)).map((target) => `${file} ${target}`));
  const plan = lines.length > 0 ? lines : [`${files[1]} /etc/shadow`];
  const script = `cat > /var/lib/redis/plan; cat > /var/lib/redis/flip.sh << 'END'\n${FLIP}\nEND
chown redis: /var/lib/redis/plan /var/lib/redis/flip.sh
setpriv --reuid redis --regid redis --clear-groups sh /var/lib/redis/flip.sh /var/lib/redis/plan < /dev/null > /dev/null 2>&1 &
echo $!`;
  const started = await machines.asRoot(name, script, { input: `${plan.join('\n')}\n` });
  return started.stdout.trim();
}

/** Ends the flipping; its last round puts every file back. */
async function stopFlipping(name: string, pid: string): Promise<void> {
  await root(
    name,
    `kill ${pid}; n=0; while [ -d /proc/${pid} ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
     cd /etc/redis; for f in redis.conf sentinel.conf; do [ -f $f.mine ] && mv -T $f.mine $f; done
     cd /var/lib/redis; [ -f dump.rdb.mine ] && mv -T dump.rdb.mine dump.rdb; rm -f plan flip.sh; true`,
  );
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
    const pids = await Promise.all(names.slice(0, 2).map((name) => startFlipping(name, draw)));
    let said = '';
    try {
      for (let n = 0; n < runs; n += 1) {
        const { stdout, stderr } = await recover(n % 2 === 0 ? 'ops' : 'root');
        said += stdout + stderr;
      }
      // The attack went on all the time, or it proves nothing.
      for (const [index, pid] of pids.entries()) await root(names[index] ?? '', `[ -d /proc/${pid} ]`);
    } finally {
      await Promise.all(pids.map((pid, index) => stopFlipping(names[index] ?? '', pid)));
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
        "find / -xdev \\( -name '.*redis-runbook-??????????' -o -name '*.old' -path '*redis-runbook*' -o -name '.start.*' -o -name 'redis-runbook-trial*' \\) 2> /dev/null; true",
      );
      expect(left.split('\n').filter((path) => path !== '' && !path.startsWith('/proc'))).toEqual([]);
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
