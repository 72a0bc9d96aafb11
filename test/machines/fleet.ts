import { join } from 'node:path';
import type { NodeKind } from '../../src/model/inventory.js';
import type { MachineKind } from './kinds.js';

/** One machine: a disk of its own over the base, a network namespace with its own address. */
export interface Machine {
  readonly name: string;
  readonly kind: MachineKind;
  readonly runs: readonly NodeKind[];
  readonly address: string;
  /** Directory on this side that holds its disk, console.log and the mount `root`. */
  readonly directory: string;
  /** Its file system as seen from this side; to be changed while it is off, or like a hand from nowhere. */
  readonly root: string;
  readonly namespace: string;
}

/** What the parts of a fleet of machines know of it. */
export interface Fleet {
  /** Begins the names of its namespaces and machines. */
  readonly token: string;
  readonly directory: string;
  readonly machines: readonly Machine[];
  readonly group: string;
  readonly password: string;
  readonly seed: number;
  /** Namespaces of the person at the terminal, and of the switch that joins them all. */
  readonly operatorNamespace: string;
  readonly switchNamespace: string;
  readonly keyFile: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  /** What runs: pid of systemd-nspawn and of the machine's init, by name. */
  readonly on: Map<string, Power>;
  /** Pids of the lines that were made slow, by name. */
  readonly slow: Map<string, number>;
}

export interface Power {
  readonly nspawn: number;
  readonly init: number;
  /** Resolves when systemd-nspawn has ended. */
  readonly ended: Promise<void>;
}

/** Users that every machine has: sudo without a password, sudo with one, no sudo. All let the fleet's key in, as does root. */
export type Login = 'ops' | 'opspw' | 'opsno' | 'root';

/** Password of the users `ops`, `opspw` and `opsno`, for sshd and sudo. */
export const userPassword = 'Ops-pass 1';

/** The machine of a name; throws when there is none. */
export function machineOf(fleet: Pick<Fleet, 'machines'>, name: string): Machine {
  const machine = fleet.machines.find((one) => one.name === name);
  if (machine === undefined) throw new Error(`no machine is called ${name}`);
  return machine;
}

/** Machines that are on and run a kind of node when nothing is wrong. */
export function machinesOn(fleet: Fleet, runs: NodeKind): readonly Machine[] {
  return fleet.machines.filter((machine) => fleet.on.has(machine.name) && machine.runs.includes(runs));
}

/** The unix socket on this side that leads to a port of a machine. */
export function relaySocket(fleet: Pick<Fleet, 'directory'>, machine: Pick<Machine, 'name'>, port: number): string {
  return join(fleet.directory, 'relay', `${machine.name}-${port}`);
}
