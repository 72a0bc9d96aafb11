import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Persistence } from '../../src/lab/layout.js';
import { prngOf } from '../../src/lab/prng.js';
import { startedAt } from '../../src/lab/processes.js';
import { appendRecord, readRecord } from '../../src/lab/record.js';
import type { Stop } from '../../src/lab/stop.js';
import { usualShape } from '../../src/lab/writer.js';
import { cascade } from './cascade.js';
import { checkMachine, ssh } from './check.js';
import { askNode } from './client.js';
import type { Settings } from './config-texts.js';
import { baseOf, cacheDirectory, furnish, knownHostsLines, mountDisk } from './disk.js';
import { type Fleet, type Machine, machineOf } from './fleet.js';
import { type FleetYamlOptions, fleetYaml } from './fleet-yaml.js';
import type { MachineKind } from './kinds.js';
import { inNamespace, makeNetwork, setCable, setLine, startRelay } from './network.js';
import { asRoot, boot, powerCut, powerOff } from './power.js';
import { must, type RunOptions, run } from './run.js';
import type { FleetOptions, HostOptions, Machines } from './shapes.js';
import { masterOf, untilCaughtUp, untilSettled } from './view.js';
import { checkWrites, writeTo } from './writes.js';

const downScript = new URL('down.sh', import.meta.url).pathname;
const watchScript = new URL('watch.sh', import.meta.url).pathname;
const runbookBin = new URL('../../bin/redis-runbook.js', import.meta.url).pathname;
const labPassword = '#p4$s;%w&0rd=*!';
const SETTLE_LIMIT_MS = 120_000;
const OPERATOR_ADDRESS = '10.77.1.5';

const articleHosts: readonly HostOptions[] = [
  ...['pv1', 'pv2', 'pv3'].map((name) => ({ name, runs: ['redis', 'sentinel'] as const })),
  ...['pvha1', 'pvha2'].map((name) => ({ name, runs: ['sentinel'] as const })),
];

/** Makes the machines and boots them all at once. When that fails, or this process ends, nothing of it is left. */
export async function bootFleet(options: FleetOptions = {}): Promise<Machines> {
  if (process.getuid?.() !== 0) throw new Error('machines are booted by root only');
  await sweep();
  const fleet = layOut(options);
  mkdirSync(fleet.directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(fleet.directory, 'owner'), `${process.pid} ${startedAt(process.pid)}\n`);
  spawn('sh', [watchScript, fleet.directory], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
  const persistence = options.persistence ?? 'aof';
  try {
    await make(fleet, settingsOf(fleet, persistence, options));
    const machines = machinesOf(fleet, persistence);
    if (options.boot !== false) await machines.boot(fleet.machines.map((machine) => machine.name));
    return machines;
  } catch (error) {
    await must(['sh', downScript, fleet.directory]);
    throw error;
  }
}

function layOut(options: FleetOptions): Fleet {
  const token = `rrb-${randomBytes(3).toString('hex')}`;
  const directory = join(cacheDirectory(), 'fleets', token);
  const machines = (options.hosts ?? articleHosts).map((host, i) => ({
    name: host.name,
    kind: host.kind ?? options.kind ?? 'bookworm',
    runs: host.runs,
    address: `10.77.1.${i + 11}`,
    directory: join(directory, 'hosts', host.name),
    root: join(directory, 'hosts', host.name, 'root'),
    namespace: `${token}-${host.name}`,
  }));
  return {
    token,
    directory,
    machines,
    group: options.group ?? 'stn-master',
    password: options.password ?? labPassword,
    seed: options.seed ?? 1,
    operatorNamespace: `${token}-operator`,
    switchNamespace: `${token}-switch`,
    keyFile: join(directory, 'operator', 'id_ed25519'),
    knownHosts: join(directory, 'operator', 'known_hosts'),
    sshConfig: join(directory, 'operator', 'ssh_config'),
    on: new Map(),
    slow: new Map(),
  };
}

function settingsOf(fleet: Fleet, persistence: Persistence, options: FleetOptions): Settings {
  return {
    group: fleet.group,
    password: fleet.password,
    persistence,
    quorum: options.quorum ?? 2,
    downAfterMs: options.downAfterMs ?? 2000,
    failoverTimeoutMs: options.failoverTimeoutMs ?? 10_000,
    redisLines: options.redisLines ?? [],
  };
}

async function make(fleet: Fleet, settings: Settings): Promise<void> {
  mkdirSync(join(fleet.directory, 'operator'), { mode: 0o700 });
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'operator', '-f', fleet.keyFile]);
  const bases = new Map<MachineKind, string>();
  for (const kind of new Set(fleet.machines.map((machine) => machine.kind))) bases.set(kind, await baseOf(kind));
  for (const machine of fleet.machines) {
    await mountDisk(machine, bases.get(machine.kind) ?? '');
    await furnish(fleet, machine, settings);
  }
  writeFileSync(fleet.knownHosts, `${fleet.machines.flatMap(knownHostsLines).join('\n')}\n`);
  writeFileSync(fleet.sshConfig, sshConfigText(fleet));
  await makeNetwork(fleet, OPERATOR_ADDRESS);
  await startRelay(fleet);
}

function sshConfigText(fleet: Fleet): string {
  const hosts = fleet.machines.map((machine) => `Host ${machine.name}\n  HostName ${machine.address}\n`);
  return `${hosts.join('')}Host *
  IdentityFile ${fleet.keyFile}
  IdentitiesOnly yes
  UserKnownHostsFile ${fleet.knownHosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
`;
}

/** Ends what fleets left whose owner and watcher were both killed. */
async function sweep(): Promise<void> {
  const fleets = join(cacheDirectory(), 'fleets');
  if (!existsSync(fleets)) return;
  for (const name of readdirSync(fleets)) {
    const owner = join(fleets, name, 'owner');
    if (!existsSync(owner)) continue;
    const [pid, ticks] = readFileSync(owner, 'utf8').trim().split(' ');
    if (startedAt(Number(pid)) !== ticks) await run(['sh', downScript, join(fleets, name)]);
  }
}

function machinesOf(fleet: Fleet, persistence: Persistence): Machines {
  const of = (name: string) => machineOf(fleet, name);
  const each = async (names: readonly string[], act: (machine: Machine) => Promise<void>) => {
    await Promise.all(names.map((name) => act(of(name))));
  };
  const off = async (machine: Machine, stop: Stop) => {
    if (machine.runs.includes('redis')) {
      appendRecord(fleet.directory, [{ type: 'off', node: machine.name, how: stop, at: Date.now() }]);
    }
    await (stop === 'clean' ? powerOff(fleet, machine) : powerCut(fleet, machine));
  };
  const serving = async () => {
    const machine = await masterOf(fleet);
    if (machine === undefined) throw new Error('no machine serves as master');
    return machine;
  };
  const operator = (argv: readonly string[], options?: RunOptions) =>
    run([...inNamespace(fleet.operatorNamespace), ...argv], options);
  const fleetFile = (options: FleetYamlOptions = {}) => {
    const name = ['fleet', options.login, options.transport, options.service].filter((word) => word !== undefined);
    const path = join(fleet.directory, 'operator', `${name.join('-')}.yaml`);
    writeFileSync(path, fleetYaml(fleet, options));
    return path;
  };
  return {
    fleet,
    directory: fleet.directory,
    group: fleet.group,
    password: fleet.password,
    hosts: fleet.machines,
    on: () => fleet.machines.map((machine) => machine.name).filter((name) => fleet.on.has(name)),
    boot: (names, options) => each(names, (machine) => boot(fleet, machine, options)),
    powerOff: (names) => each(names, (machine) => off(machine, 'clean')),
    powerCut: (names) => each(names, (machine) => off(machine, 'crash')),
    cable: (name, plugged) => setCable(fleet, of(name), plugged),
    line: (name, line) => setLine(fleet, of(name), line),
    asRoot: (name, script, options) => asRoot(fleet, of(name), script, options),
    ssh: (name, command, options) => ssh(fleet, name, command, options),
    asOperator: operator,
    runbook: (args, options = {}) => {
      const env = { XDG_STATE_HOME: join(fleet.directory, 'operator', 'state'), ...options.env };
      const words = [process.execPath, runbookBin, ...args, '--fleet', fleetFile(options)];
      return operator(words, { timeoutMs: 600_000, ...options, env });
    },
    fleetFile,
    ask: (name, node, ...words) => askNode(fleet, of(name), node, ...words),
    master: async () => (await masterOf(fleet))?.name,
    untilSettled: async (not) => (await untilSettled(fleet, SETTLE_LIMIT_MS, not)).name,
    untilCaughtUp: () => untilCaughtUp(fleet, SETTLE_LIMIT_MS),
    write: async (shape = {}) => {
      const prng = prngOf(fleet.seed + readRecord(fleet.directory).length);
      return writeTo(fleet, await serving(), { ...usualShape, ...shape }, prng);
    },
    checkWrites: async (notExpected = []) => checkWrites(fleet, await serving(), notExpected),
    record: () => readRecord(fleet.directory),
    cascade: (stop) =>
      cascade(fleet, { off, on: (machine) => boot(fleet, machine) }, { persistence, ...(stop ? { stop } : {}) }),
    check: () => Promise.all(fleet.machines.map((machine) => checkMachine(fleet, machine))),
    down: async () => {
      await must(['sh', downScript, fleet.directory]);
    },
  };
}
