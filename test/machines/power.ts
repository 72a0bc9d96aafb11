import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { holds, notYet } from '../../src/lab/until.js';
import { bootLinks } from './disk.js';
import type { Fleet, Machine, Power } from './fleet.js';
import { kinds } from './kinds.js';
import { setCable } from './network.js';
import { must, type Output, type RunOptions, run } from './run.js';
import { until } from './until.js';

const startScript = new URL('start.sh', import.meta.url).pathname;
const BOOT_LIMIT_MS = 90_000;
const OFF_LIMIT_MS = 180_000;
/** glibc's SIGRTMIN+4: systemd's poweroff.target (systemd(1), "Signals"). */
const SYSTEMD_POWEROFF = 38;
const QUIET_ARGUMENTS = [
  'systemd.unit=basic.target',
  ...['ssh', 'dbus', 'systemd-logind', 'systemd-user-sessions'].map((name) => `systemd.wants=${name}.service`),
];

export interface BootOptions {
  /**
   * Only what a login needs: Redis and Sentinel stay as the last boot left them, without any unit, link or file of
   * theirs changed. The next boot is an ordinary one.
   */
  readonly quiet?: boolean;
}

/** Plugs the machine in and boots it; resolves when its boot has ended and sshd listens. */
export async function boot(fleet: Fleet, machine: Machine, options: BootOptions = {}): Promise<void> {
  if (fleet.on.has(machine.name)) throw new Error(`${machine.name} is on already`);
  const putBack = options.quiet === true ? hideBootLinks(machine) : () => undefined;
  try {
    await setCable(fleet, machine, true);
    const { nspawn, ended } = startInit(fleet, machine, options.quiet === true ? QUIET_ARGUMENTS : []);
    const init = await until(`${machine.name} to have an init`, BOOT_LIMIT_MS, async () => initOf(nspawn));
    const power: Power = { nspawn, init, ended };
    fleet.on.set(machine.name, power);
    void ended.then(() => {
      if (fleet.on.get(machine.name) === power) fleet.on.delete(machine.name);
    });
    await until(`${machine.name} to boot (see console.log)`, BOOT_LIMIT_MS, async () => {
      const output = await asRoot(fleet, machine, bootedScript(machine));
      return output.status === 0 ? holds(undefined) : notYet(`${output.stdout}${output.stderr}`.trim());
    });
  } finally {
    putBack();
  }
}

/** Shuts the machine down in order, as the button does: every service is stopped by its manager. */
export async function powerOff(fleet: Fleet, machine: Machine): Promise<void> {
  const power = powerOf(fleet, machine);
  if (kinds[machine.kind].manager === 'systemd') process.kill(power.init, SYSTEMD_POWEROFF);
  else await asRoot(fleet, machine, 'shutdown -h now');
  await offWithin(fleet, machine, power);
}

/** Cuts the power: the cable is dead and every process is gone at once, mid-instruction. What the kernel had of files stays. */
export async function powerCut(fleet: Fleet, machine: Machine): Promise<void> {
  const power = powerOf(fleet, machine);
  await setCable(fleet, machine, false);
  process.kill(power.init, 'SIGKILL');
  await offWithin(fleet, machine, power);
}

/** A shell script on the machine as root, not through its sshd: a hand on the machine itself. */
export function asRoot(fleet: Fleet, machine: Machine, script: string, options: RunOptions = {}): Promise<Output> {
  const { init } = powerOf(fleet, machine);
  const enter = ['nsenter', '-t', String(init), '-m', '-u', '-i', '-n', '-p', '-r', '-w'];
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return run([...enter, 'env', '-i', path, 'LC_ALL=C', '/bin/sh', '-c', script], options);
}

function powerOf(fleet: Fleet, machine: Machine): Power {
  const power = fleet.on.get(machine.name);
  if (power === undefined) throw new Error(`${machine.name} is off`);
  return power;
}

async function offWithin(fleet: Fleet, machine: Machine, power: Power): Promise<void> {
  let off = false;
  void power.ended.then(() => {
    off = true;
  });
  await until(`${machine.name} to be off`, OFF_LIMIT_MS, async () => (off ? holds(undefined) : notYet('still on')));
  // SysV init ends with every file system read-only.
  await must(['mount', '-o', 'remount,rw', machine.root]);
  await setCable(fleet, machine, false);
}

function startInit(fleet: Fleet, machine: Machine, args: readonly string[]): Omit<Power, 'init'> {
  const log = openSync(join(machine.directory, 'console.log'), 'a', 0o600);
  const words = [
    '--quiet',
    `--directory=${machine.root}`,
    `--machine=${fleet.token}-${machine.name}`,
    `--hostname=${machine.name}`,
    '--boot',
    '--register=no',
    '--keep-unit',
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    '--console=read-only',
    `--network-namespace-path=/run/netns/${machine.namespace}`,
    // systemd 256 and later refuse to boot on cgroup v1 without it; others do not know it.
    ...(existsSync('/sys/fs/cgroup/cgroup.controllers') ? [] : ['-E', 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1']),
    ...args,
  ];
  const child = spawn('sh', [startScript, `${fleet.token}-${machine.name}`, 'systemd-nspawn', ...words], {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: '/',
  });
  child.unref();
  if (child.pid === undefined) throw new Error('systemd-nspawn does not start');
  return { nspawn: child.pid, ended: new Promise((resolve) => child.once('exit', () => resolve())) };
}

/** The child of nspawn that is the first process of a pid namespace and has become the machine's init. */
function initOf(nspawn: number) {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const first = /^NSpid:.*\t1$/m.test(status) && status.includes(`\nPPid:\t${nspawn}\n`);
      if (first && /^Name:\t(systemd|init)$/m.test(status)) return holds(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return notYet(existsSync(`/proc/${nspawn}`) ? 'none yet' : 'systemd-nspawn has ended (see console.log)');
}

function bootedScript(machine: Machine): string {
  const listens = `[ -n "$(ss -Hltn 'sport = :22')" ] || { echo 'no sshd'; exit 1; }`;
  return kinds[machine.kind].manager === 'systemd'
    ? `state=$(systemctl is-system-running --wait); echo "$state"
       case $state in running|degraded) ;; *) exit 1 ;; esac; ${listens}`
    : `runlevel; runlevel | grep -q ' [2-5]$' || exit 1
       ! pgrep -f '^/bin/sh /etc/init.d/rc ' || exit 1; ${listens}`;
}

/** SysV init has no quiet boot: the links are away while it boots, and put back as they were. */
function hideBootLinks(machine: Machine): () => void {
  const links = kinds[machine.kind].manager === 'systemd' ? [] : bootLinks(machine, machine.runs);
  const moved = links.map((link) => ({ link, away: join(dirname(link), `away-${basename(link)}`) }));
  for (const { link, away } of moved) renameSync(link, away);
  return () => {
    for (const { link, away } of moved) renameSync(away, link);
  };
}
