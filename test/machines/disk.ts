import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeKind } from '../../src/model/inventory.js';
import { configText, type Settings } from './config-texts.js';
import type { Fleet, Machine } from './fleet.js';
import { kinds, type MachineKind, placeOf } from './kinds.js';
import { must } from './run.js';

const hostKeyTypes = ['ed25519', 'ecdsa'] as const;
const baseScript = new URL('base.sh', import.meta.url).pathname;
const BASE_LIMIT_MS = 900_000;

/** Where bases and running fleets are kept: RUNBOOK_MACHINES_CACHE, else a directory of the system's own for temporary files. */
export function cacheDirectory(): string {
  return process.env.RUNBOOK_MACHINES_CACHE ?? join(tmpdir(), 'redis-runbook-machines');
}

/** The root file system of a kind of machine, made when it is not there; a changed recipe is another base. */
export async function baseOf(kind: MachineKind): Promise<string> {
  const { suite, packages } = kinds[kind];
  const recipe = createHash('sha256')
    .update(readFileSync(baseScript))
    .update([suite, ...packages].join());
  const name = `${kind}-${recipe.digest('hex').slice(0, 10)}`;
  await must(['sh', baseScript, cacheDirectory(), name, suite, packages.join(',')], { timeoutMs: BASE_LIMIT_MS });
  return join(cacheDirectory(), name);
}

/** Gives a machine its disk over the base and mounts it at `machine.root`. */
export async function mountDisk(machine: Machine, base: string): Promise<void> {
  const part = (name: string) => join(machine.directory, name);
  for (const name of ['disk', 'work', 'root']) mkdirSync(part(name), { recursive: true, mode: 0o755 });
  const options = `lowerdir=${base},upperdir=${part('disk')},workdir=${part('work')}`;
  await must(['mount', '-t', 'overlay', '-o', options, 'overlay', machine.root]);
}

/** Writes what makes the machine itself: names, keys, the configs of its nodes, and which of them start at boot. */
export async function furnish(fleet: Fleet, machine: Machine, settings: Settings): Promise<void> {
  const put = (path: string, text: string) => writeFileSync(join(machine.root, path), text);
  put('etc/hostname', `${machine.name}\n`);
  put('etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  const names = fleet.machines.map((one) => `${one.address} ${one.name}`).join('\n');
  put('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${machine.name}\n${names}\n`);
  await hostKeys(machine);
  authorise(machine, readFileSync(`${fleet.keyFile}.pub`, 'utf8'));
  const [first] = fleet.machines;
  for (const node of ['redis', 'sentinel'] as const) {
    if (!machine.runs.includes(node)) neverAtBoot(machine, node);
    else if (first !== undefined) configure(machine, node, first, settings);
  }
}

/** One line for each host key, by name and address, as `ssh-keyscan` would find them. */
export function knownHostsLines(machine: Machine): readonly string[] {
  return hostKeyTypes.map((type) => {
    const [algorithm, key] = readFileSync(`${hostKeyFile(machine, type)}.pub`, 'utf8').split(' ');
    return `${machine.name},${machine.address} ${algorithm} ${key}`;
  });
}

/** The file of a host key on this side; a test that swaps keys replaces it and its `.pub` while the machine is off. */
function hostKeyFile(machine: Machine, type: (typeof hostKeyTypes)[number]): string {
  return join(machine.root, `etc/ssh/ssh_host_${type}_key`);
}

async function hostKeys(machine: Machine): Promise<void> {
  for (const type of hostKeyTypes) {
    await must(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', machine.name, '-f', hostKeyFile(machine, type)]);
  }
}

function authorise(machine: Machine, key: string): void {
  for (const user of ['root', 'ops', 'opspw', 'opsno']) {
    const home = user === 'root' ? 'root' : join('home', user);
    const file = join(machine.root, home, '.ssh', 'authorized_keys');
    const { uid, gid } = idsOf(machine, user);
    writeFileSync(file, key, { mode: 0o600 });
    chownSync(file, uid, gid);
  }
}

function configure(machine: Machine, node: NodeKind, first: Machine, settings: Settings): void {
  const file = join(machine.root, placeOf(machine.kind, node).config);
  const { uid, gid } = idsOf(machine, kinds[machine.kind].family);
  writeFileSync(file, configText(readFileSync(file, 'utf8'), machine, node, first, settings));
  chownSync(file, uid, gid);
  chmodSync(file, 0o640);
}

/** As `systemctl disable` or `update-rc.d remove` leave it: the package stays, nothing starts it. */
function neverAtBoot(machine: Machine, node: NodeKind): void {
  const { unit } = placeOf(machine.kind, node);
  const units = join(machine.root, 'etc/systemd/system');
  for (const name of [`multi-user.target.wants/${unit}.service`, `${unit.replace('-server', '')}.service`]) {
    rmSync(join(units, name), { force: true });
  }
  for (const link of bootLinks(machine, [node])) rmSync(link);
}

/** The links that make SysV init start these nodes, on this side. */
export function bootLinks(machine: Machine, nodes: readonly NodeKind[]): readonly string[] {
  const etc = join(machine.root, 'etc');
  const units = nodes.map((node) => placeOf(machine.kind, node).unit);
  return ['rc2.d', 'rc3.d', 'rc4.d', 'rc5.d']
    .map((name) => join(etc, name))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) =>
      readdirSync(directory)
        .filter((name) => units.some((unit) => name.startsWith('S') && name.slice(3) === unit))
        .map((name) => join(directory, name)),
    );
}

/** uid and gid of a user on the machine. */
function idsOf(machine: Machine, user: string): { readonly uid: number; readonly gid: number } {
  const line = readFileSync(join(machine.root, 'etc/passwd'), 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`));
  const [, , uid, gid] = (line ?? '').split(':');
  if (uid === undefined || gid === undefined) throw new Error(`${machine.name} has no user ${user}`);
  return { uid: Number(uid), gid: Number(gid) };
}
