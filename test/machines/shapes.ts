import type { NotExpected, WritesChecked } from '../../src/lab/judge.js';
import type { Persistence } from '../../src/lab/layout.js';
import type { RecordLine, WriteLine } from '../../src/lab/record.js';
import type { Stop } from '../../src/lab/stop.js';
import type { WriteShape } from '../../src/lab/writer.js';
import type { NodeKind } from '../../src/model/inventory.js';
import type { Resp } from '../../src/model/raw-host.js';
import type { Cascaded } from './cascade.js';
import type { Checked } from './check.js';
import type { Fleet, Login, Machine } from './fleet.js';
import type { FleetYamlOptions } from './fleet-yaml.js';
import type { MachineKind } from './kinds.js';
import type { SlowLine } from './network.js';
import type { BootOptions } from './power.js';
import type { Output, RunOptions } from './run.js';

export interface HostOptions {
  /** Letters, digits; at most 10. */
  readonly name: string;
  readonly runs: readonly NodeKind[];
  readonly kind?: MachineKind;
}

export interface FleetOptions {
  /** Of hosts that name none; `bookworm` when left out. */
  readonly kind?: MachineKind;
  /** pv1-pv3 with redis and sentinel, pvha1 and pvha2 with a sentinel, when left out. The first host is the first master. */
  readonly hosts?: readonly HostOptions[];
  /** `aof` when left out. */
  readonly persistence?: Persistence;
  readonly seed?: number;
  readonly group?: string;
  readonly password?: string;
  readonly quorum?: number;
  readonly downAfterMs?: number;
  readonly failoverTimeoutMs?: number;
  readonly redisLines?: readonly (readonly [string, string])[];
  /** False: the machines are made and stay off. */
  readonly boot?: boolean;
}

/** Booted machines. Hosts are named by `name`; every wait has a limit; nothing of it leaves its network namespaces. */
export interface Machines {
  readonly fleet: Fleet;
  readonly directory: string;
  readonly group: string;
  readonly password: string;
  readonly hosts: readonly Machine[];
  /** Names of the machines that are on. */
  on(): readonly string[];
  boot(names: readonly string[], options?: BootOptions): Promise<void>;
  powerOff(names: readonly string[]): Promise<void>;
  powerCut(names: readonly string[]): Promise<void>;
  /** Pulls the network cable of a machine that goes on running, or plugs it in again. */
  cable(name: string, plugged: boolean): Promise<void>;
  /** A slow, lossy line to the machine; undefined: the good one again. */
  line(name: string, line: SlowLine | undefined): Promise<void>;
  /** A shell script on the machine as root, not through sshd. */
  asRoot(name: string, script: string, options?: RunOptions): Promise<Output>;
  /** A command through plain ssh, as `ops` unless said otherwise. */
  ssh(name: string, command: string, options?: RunOptions & { readonly login?: Login }): Promise<Output>;
  /** An argument list on this side, in the operator's network namespace. */
  asOperator(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** redis-runbook as a person runs it, in the operator's namespace; its fleet.yaml is written by the options. */
  runbook(args: readonly string[], options?: RunOptions & FleetYamlOptions): Promise<Output>;
  /** Writes a fleet.yaml and returns its path. */
  fleetFile(options?: FleetYamlOptions): string;
  /** A command to a node from the operator's namespace. */
  ask(name: string, node: NodeKind, ...words: readonly string[]): Promise<Resp>;
  master(): Promise<string | undefined>;
  /** The master, once all that is on has settled; `not`: who must not be it any more. */
  untilSettled(not?: string): Promise<string>;
  untilCaughtUp(): Promise<void>;
  /** Recorded writes to the master. */
  write(shape?: Partial<WriteShape>): Promise<readonly WriteLine[]>;
  /** What the master holds against the record of writes. */
  checkWrites(notExpected?: readonly NotExpected[]): Promise<WritesChecked>;
  record(): readonly RecordLine[];
  /** The scenario `cascade`; afterwards every machine is off. */
  cascade(stop?: Stop): Promise<Cascaded>;
  /** Files, processes, units and roles of every machine, by plain ssh and the server's own client. */
  check(): Promise<readonly Checked[]>;
  /** Ends everything and removes it. */
  down(): Promise<void>;
}
