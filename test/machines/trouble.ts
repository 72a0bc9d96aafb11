import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { holds, notYet } from '../../src/lab/until.js';
import type { JournalLine } from '../../src/model/run.js';
import { type Machine, machineOf } from './fleet.js';
import { kinds } from './kinds.js';
import { bootFleet } from './machines.js';
import type { Output } from './run.js';
import type { FleetOptions, Machines } from './shapes.js';
import { until } from './until.js';

/** Three machines with a redis and a sentinel each: the smallest fleet that can elect. */
export const three = ['pv1', 'pv2', 'pv3'] as const;

const HOLD_DROP_IN = '50-redis-runbook-hold.conf';
const STATE = 'var/lib/redis-runbook';
const MOMENT_LIMIT_MS = 240_000;

/** Boots three machines, bookworm unless said otherwise, with both an AOF and save points unless said otherwise. */
export function bootThree(options: FleetOptions = {}): Promise<Machines> {
  const hosts = three.map((name) => ({ name, runs: ['redis', 'sentinel'] as const }));
  return bootFleet({ persistence: 'both', hosts, ...options });
}

/**
 * Writes, and takes the sentinels away: Redis runs, and nobody would elect. Returns the master. Machines that a test
 * before left off are booted first.
 */
export async function headless(machines: Machines): Promise<string> {
  await machines.boot(three.filter((name) => !machines.on().includes(name)));
  const master = await machines.untilSettled();
  await machines.write();
  await machines.untilCaughtUp();
  await onEach(machines, 'service redis-sentinel stop');
  return master;
}

/** The same, and Redis is stopped everywhere, the replicas first. Returns who was master. */
export async function dead(machines: Machines): Promise<string> {
  const master = await headless(machines);
  const replicas = machines.on().filter((name) => name !== master);
  for (const name of [...replicas, master]) await machines.asRoot(name, 'service redis-server stop');
  return master;
}

async function onEach(machines: Machines, script: string): Promise<void> {
  await Promise.all(machines.on().map((name) => machines.asRoot(name, script)));
}

/** A line of a run's journal that something is to happen at. */
export interface Moment {
  readonly action: RegExp;
  readonly phase?: JournalLine['phase'];
}

/** `recover`, and what happens to the fleet once its journal has the line. Rejects when the run ends before. */
export async function recoverUntil(
  machines: Machines,
  args: readonly string[],
  moment: Moment,
  happens: () => Promise<unknown>,
  options: Parameters<Machines['runbook']>[1] = {},
): Promise<Output> {
  const before = runsOf(machines);
  const running = machines.runbook(['recover', '--yes', '--plain', ...args], { timeoutMs: 300_000, ...options });
  let ended: Output | undefined;
  running.then(
    (output) => {
      ended = output;
    },
    () => undefined,
  );
  const reached = async () => {
    if (matched(machines, before, moment)) return holds(true);
    return ended === undefined ? notYet(`no ${moment.action}`) : holds(false);
  };
  if (!(await quickly(reached))) {
    const { status, stdout, stderr } = await running;
    throw new Error(`the run ended (${status}) before ${moment.action}\n${stdout}${stderr}`);
  }
  await happens();
  return running;
}

/** Every few milliseconds: what happens must hit an action that is under way. */
async function quickly(reached: () => Promise<ReturnType<typeof holds<boolean>> | ReturnType<typeof notYet>>) {
  const end = Date.now() + MOMENT_LIMIT_MS;
  while (Date.now() < end) {
    const probe = await reached();
    if (probe.holds) return probe.value;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  throw new Error('waited too long for the moment of the run');
}

function runsDirectory(machines: Machines): string {
  return join(machines.directory, 'operator', 'state', 'redis-runbook', 'runs');
}

function runsOf(machines: Machines): readonly string[] {
  const directory = runsDirectory(machines);
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

function matched(machines: Machines, before: readonly string[], moment: Moment): boolean {
  const name = runsOf(machines).find((one) => !before.includes(one));
  if (name === undefined) return false;
  return journalOf(machines, name).some(
    (line) => line.phase === (moment.phase ?? 'intent') && moment.action.test(line.action),
  );
}

/** The journal of the latest run, or of the one named; a last line that is not whole yet is left out. */
export function journalOf(machines: Machines, name = runsOf(machines).at(-1) ?? ''): readonly JournalLine[] {
  const path = join(runsDirectory(machines), name, 'journal.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as JournalLine);
}

/** The units of a machine that are held, by what is on its disk: a hold file, and what makes it count. */
export function heldOn(machines: Machines, name: string): readonly string[] {
  const machine = machineOf(machines.fleet, name);
  return (['redis', 'sentinel'] as const)
    .filter((node) => existsSync(join(machine.root, STATE, 'hold', node)))
    .map((node) => (node === 'redis' ? 'redis-server' : 'redis-sentinel'))
    .filter((unit) => hasGuard(machine, unit));
}

/** systemd: the drop-in; SysV: the lines in the settings of the script. */
function hasGuard(machine: Machine, unit: string): boolean {
  if (kinds[machine.kind].manager === 'systemd') {
    return existsSync(join(machine.root, `etc/systemd/system/${unit}.service.d`, HOLD_DROP_IN));
  }
  const settings = join(machine.root, 'etc/default', unit);
  return existsSync(settings) && readFileSync(settings, 'utf8').includes('redis-runbook hold');
}

/** What is left of holds, locks and temporary files on the disks of all machines; empty when everything was given back. */
export function leftBehind(machines: Machines): readonly string[] {
  return machines.hosts.flatMap((machine) => {
    const state = join(machine.root, STATE);
    const guarded = ['redis-server', 'redis-sentinel'].filter((unit) => hasGuard(machine, unit));
    const hold = join(state, 'hold');
    return [
      ...guarded.map((unit) => `${machine.name}: ${unit} is guarded`),
      ...(existsSync(hold) ? readdirSync(hold).map((file) => `${machine.name}: ${file}`) : []),
      ...(existsSync(join(state, 'lock.json')) ? [`${machine.name}: lock.json`] : []),
      ...temporaryOn(machine),
    ];
  });
}

/** Files and directories that were to be renamed or removed by who made them. */
function temporaryOn(machine: Machine): readonly string[] {
  return ['etc', 'var/lib/redis', STATE, 'run/systemd/system', 'tmp', 'root'].flatMap((directory) => {
    const top = join(machine.root, directory);
    const names = existsSync(top) ? readdirSync(top, { recursive: true, encoding: 'utf8' }) : [];
    const temporary = names.filter((name) =>
      /redis-runbook[-.]\w{10,}|redis-runbook-trial|\.(start|hold|json)\.\w{10}$/.test(name),
    );
    return temporary.map((name) => `${machine.name}: ${join('/', directory, name)}`);
  });
}

/** The server processes of a machine, by their titles. */
export async function serversOn(machines: Machines, name: string): Promise<readonly string[]> {
  const output = await machines.asRoot(name, "ps -eo args= | grep -E '^/usr/bin/redis-' || true");
  return output.stdout.split('\n').filter((line) => line !== '');
}

/** Waits until the boot's own starts have come to their end, so that "nothing runs" is no race; a boot of SysV ends with them. */
export async function untilStartsEnded(machines: Machines, name: string): Promise<void> {
  if (kinds[machineOf(machines.fleet, name).kind].manager !== 'systemd') return;
  await until(`the start jobs of ${name} to end`, 60_000, async () => {
    const jobs = await machines.asRoot(name, 'systemctl list-jobs --no-legend --no-pager');
    return jobs.stdout.trim() === '' ? holds(undefined) : notYet(jobs.stdout.trim());
  });
}
