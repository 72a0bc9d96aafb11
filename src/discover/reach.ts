import { homedir } from 'node:os';
import type { Reached } from '../hosts/ssh/resolve-target.js';
import type { SshTarget } from '../hosts/ssh/target.js';
import type { SshFile } from '../inventory/schema.js';
import type { HostEntry, SshSettings, Transport } from '../model/inventory.js';
import { isLoopback } from './owner.js';

/** What ssh makes of a name; `resolveTarget`. */
export type Resolve = (asked: Reached) => Promise<SshTarget>;

/** How a machine is entered. */
export interface Reach {
  readonly transport: Transport;
  /** What ssh connects to in the end; the word itself on this machine. */
  readonly address: string;
  /** Settings that make ssh reach any machine of the fleet as this one. */
  readonly ssh: SshSettings;
}

/** A name that no ~/.ssh/config knows: what it says of it, it says of every machine. */
const NOBODY = 'redis-runbook.invalid';

/**
 * How the machine that a person named is entered: this machine for `localhost` and loopback addresses, else ssh with
 * everything that ~/.ssh/config says of the name, so that the same way leads to the addresses of its fleet. Rejects as
 * `resolveTarget` does.
 */
export async function reachOfNamed(user: string | undefined, host: string, resolve: Resolve): Promise<Reach> {
  if (user === undefined && isLoopback(host)) return { transport: 'local', address: host, ssh: {} };
  const asked = { name: host, address: host, ssh: user === undefined ? {} : { user } };
  const [target, nobody] = await Promise.all([resolve(asked), resolve({ name: NOBODY, address: NOBODY })]);
  return { transport: 'ssh', address: target.hostName, ssh: settingsOf(target, nobody, user !== undefined) };
}

/**
 * How a machine is entered that a member named: on this machine where the claimer is, else by its address as the claimer
 * was entered; what ~/.ssh/config says of that very address wins, but for a user that was typed.
 */
export async function reachOfClaimed(
  host: string,
  from: Reach,
  typedUser: string | undefined,
  resolve: Resolve,
): Promise<Reach> {
  if (from.transport === 'local' && isLoopback(host)) return { transport: 'local', address: host, ssh: {} };
  const [target, nobody] = await Promise.all([
    resolve({ name: host, address: host }),
    resolve({ name: NOBODY, address: NOBODY }),
  ]);
  const isKnown = Object.keys(settingsOf(target, nobody, false)).length > 0;
  const typed = typedUser === undefined ? {} : { user: typedUser };
  return { transport: 'ssh', address: host, ssh: isKnown ? typed : { ...from.ssh, ...typed } };
}

/** What of a target differs from what ssh does for any name. */
function settingsOf(target: SshTarget, nobody: SshTarget, withUser: boolean): SshSettings {
  const [identity] = target.identities;
  const [knownHosts] = target.userKnownHosts;
  const jump = target.jumps.at(-1);
  return {
    ...(withUser || target.user !== nobody.user ? { user: target.user } : {}),
    ...(target.port === nobody.port ? {} : { port: target.port }),
    ...(identity === undefined || identity === nobody.identities[0] ? {} : { identity }),
    ...(knownHosts === undefined || knownHosts === nobody.userKnownHosts[0] ? {} : { knownHosts }),
    ...(jump === undefined ? {} : { proxyJump: jump.host }),
  };
}

/** The entry of a machine before anything is known of its nodes. */
export function bareEntry(name: string, connectTo: string, reach: Reach): HostEntry {
  const isWhole = reach.transport === 'local' && (connectTo === 'localhost' || connectTo === '127.0.0.1');
  return {
    name,
    // A look at this machine by a name that is no loopback address sees all servers of it.
    address: isWhole ? 'this-machine' : connectTo,
    transport: reach.transport,
    become: reach.transport === 'local' ? 'none' : 'sudo',
    service: 'auto',
    state: '/var/lib/redis-runbook',
    ...(Object.keys(reach.ssh).length === 0 ? {} : { ssh: reach.ssh }),
    nodes: [],
    line: 0,
  };
}

/** The settings as a fleet file has them; undefined when there are none. */
export function sshFile(ssh: SshSettings): SshFile | undefined {
  const { user, port, identity, knownHosts, proxyJump } = ssh;
  const home = `${homedir()}/`;
  const short = (path: string) => (path.startsWith(home) ? `~/${path.slice(home.length)}` : path);
  const file: SshFile = {
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(identity === undefined ? {} : { identity: short(identity) }),
    ...(knownHosts === undefined ? {} : { 'known-hosts': short(knownHosts) }),
    ...(proxyJump === undefined ? {} : { 'proxy-jump': proxyJump }),
  };
  return Object.keys(file).length === 0 ? undefined : file;
}
