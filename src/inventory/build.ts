import type {
  HostEntry,
  IgnoredNode,
  Inventory,
  NodeEntry,
  NodeKind,
  PasswordSource,
  SecretSource,
  SshSettings,
} from '../model/inventory.js';
import { backupSettings } from './build-backup.js';
import { reachOf, withPaths } from './node-reach.js';
import type { FleetFile, HostFile, NodeFile, PasswordFile, SshFile, SudoPasswordFile } from './schema.js';

/** A node with the place of its entry in the file, for the checks that compare nodes. */
export interface PlacedNode {
  readonly node: NodeEntry;
  readonly service: HostEntry['service'];
  readonly path: readonly PropertyKey[];
  /** fleet.yaml says that a password may cross the network in the clear. */
  readonly insecureDirect: boolean;
}

const builtIn = {
  redis: { port: 6379, config: '/etc/redis/redis.conf', unit: 'redis-server', program: 'redis-server' },
  sentinel: { port: 26379, config: '/etc/redis/sentinel.conf', unit: 'redis-sentinel', program: 'redis-sentinel' },
} as const;

/** The groups that the file declares, whichever of its three keys it uses; empty when it declares none. */
export function groupsOf(fleet: FleetFile): readonly string[] {
  return fleet.groups ?? [fleet.group, fleet['master-name']].filter((name) => name !== undefined);
}

/** Every declared node with all defaults filled in, in the order of the file. */
export function placedNodes(fleet: FleetFile): readonly PlacedNode[] {
  return Object.entries(fleet.hosts).flatMap(([name, host]) => {
    const service = host.service ?? fleet.defaults?.service ?? 'auto';
    const several = (kind: NodeKind) => host.runs.filter((entry) => kindOf(entry) === kind).length > 1;
    return host.runs.map((entry, index) => ({
      node: nodeEntry({ fleet, name, host, entry, several: several(kindOf(entry)) }),
      service,
      path: ['hosts', name, 'runs', index],
      insecureDirect: givenTo(fleet, host, entry)['insecure-direct'] === true,
    }));
  });
}

/** The checked file as an inventory; `lineOf` says where a host stands in the file. */
export function buildInventory(file: string, fleet: FleetFile, lineOf: (host: string) => number): Inventory {
  const nodes = placedNodes(fleet).map((placed) => withPaths(placed.node, file));
  const defaults = fleet.defaults ?? {};
  const hosts = Object.entries(fleet.hosts).map(([name, host]) => ({
    name,
    address: host.address,
    transport: host.transport ?? defaults.transport ?? 'ssh',
    become: host.become ?? defaults.become ?? 'none',
    ...sudoPasswordOf(host['sudo-password'] ?? defaults['sudo-password']),
    service: host.service ?? defaults.service ?? 'auto',
    state: host.state ?? defaults.state ?? '/var/lib/redis-runbook',
    ...sshOf({ ...defaults.ssh, ...host.ssh }),
    nodes: nodes.filter((node) => node.host === name),
    line: lineOf(name),
  }));
  return {
    fleet: fleet.name,
    file,
    groups: groupsOf(fleet),
    hosts,
    password: passwordOf(defaults.password),
    ...(fleet.ignore === undefined ? {} : { ignore: fleet.ignore.map(ignoredNode) }),
    ...(fleet.backup === undefined ? {} : { backup: backupSettings(fleet.backup) }),
  };
}

function ignoredNode({ address, port, reason }: NonNullable<FleetFile['ignore']>[number]): IgnoredNode {
  return { address, reason, ...(port === undefined ? {} : { port }) };
}

/** The keys as a host has them once its own win over the defaults; nothing where the file says nothing. */
function sshOf(given: SshFile): { readonly ssh?: SshSettings } {
  const { 'known-hosts': knownHosts, 'proxy-jump': proxyJump, 'proxy-command': proxyCommand, ...same } = given;
  const all = { ...same, knownHosts, proxyJump, proxyCommand };
  const said = Object.entries(all).filter(([, value]) => value !== undefined);
  return said.length === 0 ? {} : { ssh: Object.fromEntries(said) as SshSettings };
}

type RunsEntry = HostFile['runs'][number];

function kindOf(entry: RunsEntry): NodeKind {
  if (typeof entry === 'string') {
    return entry;
  }
  return 'redis' in entry ? 'redis' : 'sentinel';
}

function settingsOf(entry: RunsEntry): NodeFile {
  if (typeof entry === 'string') {
    return {};
  }
  return 'redis' in entry ? entry.redis : entry.sentinel;
}

function givenTo(fleet: FleetFile, host: HostFile, entry: RunsEntry): NodeFile {
  const kind = kindOf(entry);
  return { ...fleet.defaults?.[kind], ...host[kind], ...settingsOf(entry) } as NodeFile;
}

interface NodeContext {
  readonly fleet: FleetFile;
  readonly name: string;
  readonly host: HostFile;
  readonly entry: RunsEntry;
  readonly several: boolean;
}

function nodeEntry({ fleet, name, host, entry, several }: NodeContext): NodeEntry {
  const kind = kindOf(entry);
  const given = givenTo(fleet, host, entry);
  const config = given.config ?? builtIn[kind].config;
  const port = given.port ?? builtIn[kind].port;
  const unit = given.unit ?? builtIn[kind].unit;
  const groups = groupsOf(fleet);
  const group = given.group ?? (groups.length === 1 ? groups[0] : undefined);
  const password = nodePassword(kind, fleet, host, given);
  return {
    kind,
    id: idOf(name, kind, several ? port : undefined),
    host: name,
    address: host.address,
    port,
    config,
    unit,
    start: given.start ?? [programOf(kind, unit, config), config],
    ...(kind === 'redis' && group !== undefined ? { group } : {}),
    ...(password === undefined ? {} : { password }),
    ...reachOf({ fleet, host, kind, own: settingsOf(entry) }),
  };
}

/** The packages of Valkey have no program under Redis' names; their units and directories carry its own. */
function programOf(kind: NodeKind, unit: string, config: string): string {
  const isValkey = unit.startsWith('valkey') || config.startsWith('/etc/valkey/');
  return isValkey ? builtIn[kind].program.replace('redis', 'valkey') : builtIn[kind].program;
}

function idOf(host: string, kind: NodeKind, port: number | undefined): string {
  const base = kind === 'redis' ? host : `${host}/sentinel`;
  return port === undefined ? base : `${base}:${port}`;
}

/**
 * `password:` beside the nodes is the Redis password; a sentinel gets one only from its own settings, because a
 * password is sent to nobody it was not meant for.
 */
function nodePassword(kind: NodeKind, fleet: FleetFile, host: HostFile, given: NodeFile): PasswordSource | undefined {
  const source = given.password ?? (kind === 'redis' ? (host.password ?? fleet.defaults?.password) : undefined);
  return source === undefined ? undefined : passwordOf(source);
}

function sudoPasswordOf(source: SudoPasswordFile | undefined): { readonly sudoPassword?: SecretSource } {
  return source === undefined ? {} : { sudoPassword: secretSource(source) };
}

function passwordOf(source: PasswordFile | undefined): PasswordSource {
  return source === undefined || source === 'node' ? { from: 'node' } : secretSource(source);
}

function secretSource(source: SudoPasswordFile): SecretSource {
  if (source === 'prompt' || 'prompt' in source) {
    return { from: 'prompt' };
  }
  if ('env' in source) {
    return { from: 'env', name: source.env };
  }
  return 'file' in source ? { from: 'file', path: source.file } : { from: 'command', argv: source.command };
}
