import type { ExitStatus } from '../errors.js';

/** What the login on a host may do. */
export interface HostRights {
  readonly user: string;
  readonly uid: number;
  /**
   * `not-needed` = root already, or fleet.yaml says `become: none`. `with-password` = tried and accepted. `needs-password`
   * = sudo asks and nobody could be asked. `refused` = sudo said no; its words are in `sudoSays`.
   */
  readonly sudo: 'not-needed' | 'without-password' | 'with-password' | 'needs-password' | 'refused';
  readonly sudoSays?: string;
}

/** A directory that a recovery writes to, or the nearest one above it that exists. */
export interface PlaceProbe {
  readonly path: string;
  /** Whether it is there; undefined when it could not be seen. */
  readonly exists: boolean | undefined;
  /** Whether the one who looked may write to it. */
  readonly writable: boolean;
  readonly freeBytes: bigint | undefined;
  /** Mount point, file system and whether it is mounted read-only. */
  readonly mount: string;
  readonly fileSystem: string;
  readonly readOnly: boolean;
}

/** A server program of a host, and its first word about its version. */
export interface ProgramProbe {
  readonly path: string;
  readonly version: string;
}

/** What reaches a node's port through the host: `forbidden` = sshd allows no forwarding to it. */
export interface ReachProbe {
  readonly node: string;
  readonly state: 'open' | 'nothing-listens' | 'forbidden' | 'failed';
  readonly says: string;
}

/** What a recovery will need of a machine, tried without changing anything on it. */
export interface HostProbe {
  /** Tools that the scripts use and that are not there; where one of several is enough they stand together, `a|b`. */
  readonly missingTools: readonly string[];
  readonly programs: readonly ProgramProbe[];
  readonly places: readonly PlaceProbe[];
  readonly reach: readonly ReachProbe[];
}

/** Who runs the services of a node, and how that is known. */
export interface ManagerProbe {
  readonly kind: 'systemd' | 'sysvinit' | 'process';
  /** fleet.yaml says it; else it was found out on the host. */
  readonly declared: boolean;
  readonly says: string;
}

/** The key that a machine on the way showed, and what vouches for it. */
export interface HostKeySight {
  /** As known-hosts files name the machine. */
  readonly machine: string;
  readonly type: string;
  readonly fingerprint: string;
  /** `accepted` = nobody knew it, and a person said yes a moment ago. */
  readonly state: 'known' | 'accepted' | 'unknown' | 'changed' | 'revoked';
  /** `FILE:LINE` of the known-hosts line that decides. */
  readonly at?: string;
  /** The host itself, not a jump host on its way. */
  readonly isTarget: boolean;
}

/** Why a host could not be logged in to: the error's own words. */
export interface LoginRefusal {
  readonly word: string;
  readonly message: string;
  readonly facts: readonly string[];
  readonly next: readonly string[];
}

/** `ok` holds; `note` is worth knowing and wants nothing; `problem` would hurt a recovery; `unseen` could not be looked at. */
export type CheckState = 'ok' | 'note' | 'problem' | 'unseen';

export type CheckId =
  | 'login'
  | 'host-key'
  | 'sudo'
  | 'tools'
  | 'server'
  | 'disk'
  | 'writable'
  | 'hold'
  | 'forwarding'
  | 'clock'
  | 'service'
  | 'boot'
  | 'answers'
  | 'parser';

export interface Check {
  readonly id: CheckId;
  readonly host: string;
  /** The node that it is about; left out when it is about the machine. */
  readonly node?: string;
  readonly state: CheckState;
  readonly says: string;
  /** What to type next, where something is to be done. */
  readonly next?: string;
}

export interface NodeReadiness {
  readonly node: string;
  readonly manager?: ManagerProbe;
  /** Whether the manager surely runs this very node: `false` = nothing proves it. */
  readonly sure: boolean;
  readonly running: boolean | undefined;
  readonly version?: string;
}

/** One host of the fleet, as a recovery would find it. */
export interface HostReadiness {
  readonly host: string;
  readonly address: string;
  readonly transport: string;
  /** Milliseconds from the first word to the first answer of a shell; left out when there was no login. */
  readonly loginMs?: number;
  readonly rights?: HostRights;
  readonly keys: readonly HostKeySight[];
  readonly programs: readonly ProgramProbe[];
  readonly places: readonly PlaceProbe[];
  readonly reach: readonly ReachProbe[];
  /** The host's clock minus ours, milliseconds. */
  readonly clockOffsetMs?: number;
  readonly nodes: readonly NodeReadiness[];
  readonly checks: readonly Check[];
}

/** The answer of `doctor`. */
export interface Readiness {
  readonly schema: 'redis-runbook/doctor/1';
  readonly fleet: string;
  /** ISO 8601 UTC, when the looking began. */
  readonly at: string;
  readonly elapsedMs: number;
  readonly hosts: readonly HostReadiness[];
  /** Between the hosts that told their time; undefined with fewer than two. */
  readonly clockSpreadMs?: number;
  readonly exit: ExitStatus;
}
