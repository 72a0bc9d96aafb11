import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { FleetFile, HostFile, SshFile } from '../inventory/schema.js';
import type { Found, Member, Visit } from '../model/found.js';
import { isLoopback, machineOf } from './owner.js';
import { isSafeWord } from './safe-word.js';

/** What building a fleet file needs beside what was found. */
export interface FleetFileNeeds {
  /** How ssh is to reach the machine of a member. */
  sshOf(member: Member, visit: Visit | undefined): SshFile | undefined;
  /** Where the lock and holds of a local host are kept, when its standard place cannot be meant. */
  stateOf(address: string): string;
}

/** A host of the file: a machine, or one of the addresses of a machine that has several members' addresses. */
export interface FleetHost {
  readonly name: string;
  readonly address: string;
  readonly visit: Visit | undefined;
  readonly members: readonly Member[];
}

/** The members by the address that the fleet knows them by. A host is called as it was named on the command line, else by its address. */
export function hostsOf({ members, visits }: Pick<Found, 'members' | 'visits'>): readonly FleetHost[] {
  const addresses = [...new Set(members.map(({ host }) => host))].filter(isSafeWord);
  const own = (address: string) => members.filter(({ host }) => host === address);
  const visitAt = (address: string) => {
    const [name] = own(address).flatMap(({ visit }) => visit ?? []);
    return visits.find((visit) => visit.name === name) ?? visits.find((visit) => visit.address === address);
  };
  const shared = (visit: Visit) => addresses.filter((address) => visitAt(address) === visit).length > 1;
  return addresses.map((address) => {
    const visit = visitAt(address);
    const isCalled = visit?.isNamed === true && !shared(visit) && isSafeWord(visit.name) && visit.name !== 'localhost';
    return { name: isCalled ? visit.name : address, address, visit, members: own(address) };
  });
}

/** The fleet as a fleet file has it; undefined when nothing was found that a fleet is made of. */
export function fleetFileOf(found: Found, needs: FleetFileNeeds): FleetFile | undefined {
  const groups = found.groups.filter(isSafeWord);
  const [first] = groups;
  const hosts = hostsOf(found).map((host) => [host.name, hostFile(host, found, needs, groups)] as const);
  if (first === undefined || hosts.length === 0) return undefined;
  const { defaults, rest } = inCommon(hosts);
  return {
    name: first,
    ...(groups.length === 1 ? { group: first } : { groups }),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
    hosts: Object.fromEntries(rest),
  };
}

/** The text of a fleet file with a head that says where it is from; `head` are lines without `#`. */
export function fleetText(file: FleetFile, head: readonly string[]): string {
  return `${head.map((line) => `# ${line}\n`).join('')}${stringify(file, { lineWidth: 0 })}`;
}

const shareable = ['transport', 'become', 'service', 'ssh'] as const;

/** What every host says the same is said once. */
function inCommon(hosts: readonly (readonly [string, HostFile])[]) {
  const [[, first] = [undefined, undefined]] = hosts;
  const same = shareable.filter(
    (name) => first?.[name] !== undefined && hosts.every(([, host]) => isDeepStrictEqual(host[name], first[name])),
  );
  const defaults = Object.fromEntries(same.map((name) => [name, first?.[name]])) as NonNullable<FleetFile['defaults']>;
  const rest = hosts.map(([name, host]) => {
    const own = Object.entries(host).filter(([key]) => !(same as readonly string[]).includes(key));
    return [name, Object.fromEntries(own) as unknown as HostFile] as const;
  });
  return { defaults, rest };
}

function hostFile(host: FleetHost, found: Found, needs: FleetFileNeeds, groups: readonly string[]): HostFile {
  const { visit, address, members } = host;
  const machine = visit === undefined ? undefined : machineOf(visit);
  const transport = visit?.transport ?? (found.visits.some((each) => each.transport === 'ssh') ? 'ssh' : 'local');
  const [member] = members;
  const ssh = transport === 'ssh' && member !== undefined ? needs.sshOf(member, visit) : undefined;
  const seen = members.filter(({ known }) => known === 'seen');
  const byHand = seen.length > 0 && seen.every(({ unit }) => unit === undefined);
  return {
    address,
    transport,
    become: machine?.become ?? (transport === 'local' ? 'none' : 'sudo'),
    ...(transport === 'local' || byHand ? { service: 'process' as const } : {}),
    ...(ssh === undefined ? {} : { ssh }),
    ...(transport === 'local' && (isLoopback(address) || process.getuid?.() !== 0)
      ? { state: needs.stateOf(address) }
      : {}),
    runs: members.map((each) => runsEntry(each, found, groups)),
  };
}

function runsEntry(member: Member, found: Found, groups: readonly string[]): HostFile['runs'][number] {
  const { kind, port, unit, socket } = member;
  const config = member.config ?? usualConfig(kind, found);
  const program = `${member.isValkey ? 'valkey' : 'redis'}-server`;
  const start = kind === 'sentinel' ? [program, config, '--sentinel'] : [program, config];
  const settings = {
    port,
    config,
    ...(unit === undefined ? (member.config === undefined ? {} : { start }) : { unit }),
    ...(socket === undefined ? {} : { socket }),
  };
  if (kind === 'sentinel') return { sentinel: settings };
  const group = member.groups.find((each) => groups.includes(each));
  return { redis: { ...settings, ...(groups.length > 1 && group !== undefined ? { group } : {}) } };
}

/** Where most of the others have theirs: the file of a member that nobody could look at is likely there. */
function usualConfig(kind: Member['kind'], { members }: Pick<Found, 'members'>): string {
  const standard = kind === 'redis' ? '/etc/redis/redis.conf' : '/etc/redis/sentinel.conf';
  const seen = members.flatMap((member) =>
    member.kind === kind && member.config !== undefined ? [member.config] : [],
  );
  const [usual = standard] = seen.filter((path, index) => seen.indexOf(path) !== index);
  return usual;
}
