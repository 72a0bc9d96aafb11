import { RunbookError } from '../../errors.js';
import type { KnownName } from './known-hosts.js';

/** One machine on the way, with everything that logging in to it needs; every value is settled. */
export interface SshHop {
  /** The name that was asked for: fleet.yaml's address, or a jump host of the configuration. */
  readonly host: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeyAlias?: string;
  /** Private key files in the order in which they are offered; they may be missing. */
  readonly identities: readonly string[];
  /** Offer no other key of the agent. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent. */
  readonly agent?: string;
  /** The first one gets accepted keys. */
  readonly userKnownHosts: readonly string[];
  readonly globalKnownHosts: readonly string[];
  readonly connectTimeoutMs: number;
  /** 4 or 6 where only one is allowed. */
  readonly family?: 4 | 6;
  /** The allowed ciphers, for the system's ssh: it puts a slow one first. */
  readonly ciphers: readonly string[];
  readonly mayUsePassword: boolean;
  readonly mayUseKeyboard: boolean;
}

/** How one host of the fleet is reached. */
export interface SshTarget extends SshHop {
  /** Name of the host in fleet.yaml. */
  readonly name: string;
  /** The hosts on the way, the first one reached first. */
  readonly jumps: readonly SshHop[];
  /** Another way that the configuration names (ProxyCommand); only transport openssh takes it. */
  readonly proxyCommand?: readonly string[] | 'configured';
}

/** The machine as known-hosts files name it. */
export function knownNameOf(hop: SshHop): KnownName {
  const { hostName, port, hostKeyAlias } = hop;
  return { hostName, port, ...(hostKeyAlias === undefined ? {} : { alias: hostKeyAlias }) };
}

/** The machine as a person names it: `ops@10.0.0.1`, with the port when it is not 22. */
export function hopSays(hop: SshHop): string {
  return hop.port === 22 ? `${hop.user}@${hop.hostName}` : `${hop.user}@${hop.hostName}:${hop.port}`;
}

/** Letters, digits and `. _ : % -`, beginning with a letter, a digit or `_`: never an option, never a second word. */
const SAFE = /^[A-Za-z0-9_][A-Za-z0-9._:%-]{0,252}$/;
/** `::1` begins with a colon. */
const IPV6 = /^:[0-9A-Fa-f:.]{1,60}(%[A-Za-z0-9._-]{1,20})?$/;

/** The name when it may stand in an argument list; else throws RunbookError `usage`, before any process is started. */
export function safeName(name: string, what: string): string {
  if (SAFE.test(name) || IPV6.test(name)) return name;
  throw new RunbookError('usage', `${JSON.stringify(name)} cannot be ${what} for ssh.`, {
    facts: ['Names hold letters, digits and . _ : % - only, and begin with a letter, a digit or _.'],
    next: ['correct the name in fleet.yaml or in ~/.ssh/config'],
  });
}
