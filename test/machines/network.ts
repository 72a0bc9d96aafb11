import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet, Machine } from './fleet.js';
import { placeOf } from './kinds.js';
import { must, run } from './run.js';

type Network = Pick<Fleet, 'token' | 'directory' | 'machines' | 'operatorNamespace' | 'switchNamespace' | 'slow'>;

const prefixBits = 24;

/**
 * A network namespace for each machine and for the operator, joined by a bridge in one more. None has a way out: no
 * link leads to this machine's own network.
 */
export async function makeNetwork(fleet: Network, operatorAddress: string): Promise<void> {
  const ends = [
    ...fleet.machines.map((machine) => ({ ...machine, port: machine.name })),
    { namespace: fleet.operatorNamespace, port: 'operator', address: operatorAddress },
  ];
  for (const namespace of [fleet.switchNamespace, ...ends.map((end) => end.namespace)]) {
    await must(['ip', 'netns', 'add', namespace]);
  }
  await batch(fleet.switchNamespace, [
    'link add br0 type bridge forward_delay 0',
    'link set lo up',
    'link set br0 up',
    ...ends.flatMap((end) => [
      `link add ${end.port} type veth peer name eth0 netns ${end.namespace}`,
      `link set ${end.port} master br0 up`,
    ]),
  ]);
  for (const end of ends) {
    await batch(end.namespace, [
      'link set lo up',
      `address add ${end.address}/${prefixBits} dev eth0`,
      'link set eth0 up',
    ]);
  }
}

/** The program that leads from unix sockets on this side to the ports of the machines; ends with its namespace. */
export async function startRelay(fleet: Network): Promise<void> {
  const directory = join(fleet.directory, 'relay');
  mkdirSync(directory, { mode: 0o700 });
  const targets = fleet.machines.flatMap((machine) =>
    machine.runs.map((node) => {
      const { port } = placeOf(machine.kind, node);
      return `${machine.name}-${port}=${machine.address}:${port}`;
    }),
  );
  const script = new URL('relay.cjs', import.meta.url).pathname;
  await daemon([...inNamespace(fleet.operatorNamespace), process.execPath, script, directory, ...targets]);
}

/** The words that run a command in a network namespace. */
export function inNamespace(namespace: string): readonly string[] {
  return ['ip', 'netns', 'exec', namespace];
}

/** The machine's cable: pulled out, nothing that is sent to it is answered, as with a machine that has no power. */
export async function setCable(fleet: Network, machine: Machine, plugged: boolean): Promise<void> {
  await batch(fleet.switchNamespace, [`link set ${machine.name} ${plugged ? 'up' : 'down'}`]);
}

export interface SlowLine {
  /** Added to each round trip, milliseconds; half in each direction. */
  readonly roundTripMs: number;
  /** Share of frames that are lost in each direction. */
  readonly lossPercent: number;
}

/** Puts a slow, lossy line between a machine and all others, or (no `line`) takes it away again. */
export async function setLine(fleet: Network, machine: Machine, line: SlowLine | undefined): Promise<void> {
  const old = fleet.slow.get(machine.name);
  if (old !== undefined) {
    fleet.slow.delete(machine.name);
    await batch(fleet.switchNamespace, [`link set ${machine.name} master br0`]);
    process.kill(old, 'SIGKILL');
    await batch(fleet.switchNamespace, [`link del br-${machine.name}`]);
  }
  if (line === undefined) return;
  const [near, far] = [`a-${machine.name}`, `b-${machine.name}`];
  const script = new URL('slow-link.pl', import.meta.url).pathname;
  const words = [near, far, String(line.roundTripMs / 2), String(line.lossPercent), '1'];
  await gone(fleet.switchNamespace, near);
  const pid = await daemon([...inNamespace(fleet.switchNamespace), 'perl', script, ...words]);
  fleet.slow.set(machine.name, pid);
  await batch(fleet.switchNamespace, [
    `link add br-${machine.name} type bridge forward_delay 0`,
    `link set br-${machine.name} up`,
    `link set ${near} master br0 up`,
    `link set ${far} master br-${machine.name} up`,
    `link set ${machine.name} master br-${machine.name}`,
  ]);
}

/** Waits until a device is gone: it goes with the process that made it. */
async function gone(namespace: string, device: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await run([...inNamespace(namespace), 'ip', 'link', 'show', device])).status !== 0) return;
  }
  throw new Error(`the device ${device} does not go`);
}

async function batch(namespace: string, lines: readonly string[]): Promise<void> {
  await must(['ip', '-netns', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Starts a program that goes on, waits for its line `ready`, and returns its pid. `ip netns exec` becomes the program itself. */
function daemon(argv: readonly string[]): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, cwd: '/' });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`${argv.join(' ')}: ended with ${status}\n${said}`)));
    child.stdout.once('data', () => {
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      if (child.pid === undefined) reject(new Error('no pid'));
      else resolve(child.pid);
    });
  });
}
