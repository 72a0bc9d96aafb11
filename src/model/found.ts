import type { NodeKind, Transport } from './inventory.js';
import type { Seen } from './seen.js';

/** Where somebody says that a node is: an address or a host name, as it was written, and a port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a sentinel's file or answers say of one monitored name. */
export interface Watch {
  readonly group: string;
  readonly master: Place;
  readonly replicas: readonly Place[];
  readonly sentinels: readonly Place[];
}

/** What of a config file decides who the node is and whom it knows. Holds no secret. */
export interface ConfigFacts {
  readonly path: string;
  readonly kind: NodeKind;
  /** As the fleet knows it: what it announces, else where it listens. */
  readonly port: number;
  /** Every port that it would listen on, TLS included. */
  readonly ports: readonly number[];
  /** The address that it announces; left out when it announces none. */
  readonly announces?: string;
  /** The addresses that it binds; empty = every one of its machine. */
  readonly binds: readonly string[];
  readonly dir: string;
  /** Absolute path of its unix socket; left out when it has none. */
  readonly socket?: string;
  /** Sentinel only: it has a myid, so it ran at least once. */
  readonly hasRun: boolean;
  readonly replicaOf?: Place;
  /** Sentinel only. */
  readonly watches: readonly Watch[];
}

/** A service unit, or a script of sysvinit, that starts a redis or sentinel. */
export interface FoundUnit {
  readonly name: string;
  readonly manager: 'systemd' | 'sysvinit';
  /** The config files that it names. */
  readonly configs: readonly string[];
}

/** Where config files and services may be on a machine, and what the machine is called. */
export interface HostPlaces {
  /** What it calls itself. */
  readonly name: string;
  /** Its own addresses, loopback ones left out. */
  readonly addresses: readonly string[];
  readonly configs: readonly string[];
  readonly units: readonly FoundUnit[];
  /** The unit that a process runs in, by pid. */
  readonly unitOf: Readonly<Record<number, string>>;
}

/** Where to look beside the well-known places. */
export interface FindRequest {
  /** Files and directories that the operator named; looked through two levels deep. */
  readonly places: readonly string[];
  /** Directories of running servers. */
  readonly directories: readonly string[];
  readonly pids: readonly number[];
  /** Look as root. */
  readonly mayBecome: boolean;
}

/** A server process of a machine. */
export interface FoundProcess {
  readonly pid: number;
  readonly kind: NodeKind;
  readonly isValkey: boolean;
  /** `address:port`; empty where its sockets could not be seen. */
  readonly listens: readonly string[];
  readonly cwd: string;
  readonly unit?: string;
  /** The config file that its command line names; a server that has started names none any more. */
  readonly config?: string;
}

/** What one machine holds, read from its processes, units and files. */
export interface MachineFound extends Pick<HostPlaces, 'name' | 'addresses' | 'units'> {
  readonly processes: readonly FoundProcess[];
  readonly configs: readonly ConfigFacts[];
  /** Config files that could not be read, with why, and other things that were not seen. */
  readonly unread: readonly string[];
  /** `sudo` where it works and is needed. */
  readonly become: 'none' | 'sudo';
}

/** A machine that was visited, or could not be entered. */
export interface Visit {
  /** What was typed, or the address that led here. */
  readonly name: string;
  /** The address that it was reached at. */
  readonly address: string;
  readonly transport: Transport;
  /** It was named on the command line. */
  readonly isNamed: boolean;
  readonly seen: Seen<MachineFound>;
}

/** Somebody's word that there is a node. */
export interface Claim extends Place {
  readonly kind: NodeKind;
  /** Undefined for a master that a redis.conf names. */
  readonly group: string | undefined;
  /** The visit whose file or answer says it, by its name. */
  readonly visit: string;
  /** Who says it, as a person reads it: `pv1/sentinel`. */
  readonly by: string;
}

/** A redis or a sentinel of the fleet that was found. */
export interface Member extends Place {
  readonly kind: NodeKind;
  /** Sorted; a redis has one, unless somebody contradicts. */
  readonly groups: readonly string[];
  /** The visit that it belongs to, by its name; undefined when nobody went there. */
  readonly visit: string | undefined;
  /** `seen` = its own config file was read on its machine; `claimed` = others name it. */
  readonly known: 'seen' | 'claimed';
  /** Who names it, sorted, itself left out. */
  readonly by: readonly string[];
  readonly config?: string;
  readonly unit?: string;
  readonly isValkey: boolean;
  readonly socket?: string;
  /** Whether a process of it was seen; undefined when that could not be seen. */
  readonly runs: boolean | undefined;
}

/** A fleet as it was found from one machine or several. */
export interface Found {
  /** What was named on the command line. */
  readonly from: readonly string[];
  readonly visits: readonly Visit[];
  readonly groups: readonly string[];
  readonly members: readonly Member[];
  /** Why a recovery must not trust what was found before a person has looked at it. */
  readonly conflicts: readonly string[];
  /** What was seen and is no member, or could not be seen. */
  readonly notes: readonly string[];
}
