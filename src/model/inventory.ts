import type { BackupSettings } from './retention.js';
import type { Secret } from './secret.js';

export type Transport = 'local' | 'ssh' | 'openssh';
export type Become = 'none' | 'sudo';
export type ServiceKind = 'auto' | 'systemd' | 'sysvinit' | 'process';
export type NodeKind = 'redis' | 'sentinel';

/** How a connection to a node is encrypted. Paths are of the operator's machine, absolute. */
export interface TlsSettings {
  /** Authorities that the node's certificate may be signed by; left out: those that this machine trusts. */
  readonly ca?: string;
  /** Our own certificate and its key, for servers that ask for one; both or neither. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the node's certificate must carry; left out: the node's address. */
  readonly serverName?: string;
}

/** One redis or sentinel process of the fleet, as declared. */
export interface NodeEntry {
  readonly kind: NodeKind;
  /** Redis: the host's name, or `host:port` when a host runs several. Sentinel: `host/sentinel` (`host/sentinel:port`). */
  readonly id: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Path of the config file on the host. */
  readonly config: string;
  /** Service unit name, for the service managers that have units. */
  readonly unit: string;
  /** `process` service: the argument list that starts the node as a daemon or in the foreground. */
  readonly start: readonly string[];
  /** Redis only: the group that the node belongs to. Sentinels serve every group that they monitor. */
  readonly group?: string;
  /** Where this node's password comes from when fleet.yaml says it for the node or its host; else `Inventory.password`. */
  readonly password?: PasswordSource;
  /** ACL user that we log in as; left out: the default user, or whom the node's own config file names. */
  readonly user?: string;
  /** `false` = fleet.yaml says that there is none. Left out: the node's own config file decides. */
  readonly tls?: TlsSettings | false;
  /** The port that we connect to where it is not `port`, which is what the fleet knows the node by. */
  readonly connectPort?: number;
  /** Path of the unix socket on the host that the node is reached by instead of a port. */
  readonly socket?: string;
  /** We connect to the port ourselves, not through the connection to the host. */
  readonly direct?: boolean;
}

/** Where a node listens for us: an address and a port, or the path of a unix socket and port 0. */
export function placeOf(node: Pick<NodeEntry, 'address' | 'port' | 'connectPort' | 'socket'>): {
  readonly address: string;
  readonly port: number;
} {
  if (node.socket !== undefined) return { address: node.socket, port: 0 };
  return { address: node.address, port: node.connectPort ?? node.port };
}

/** What fleet.yaml says about SSH for one host; each wins over ~/.ssh/config. Paths are of the operator's machine, `~` not yet expanded. */
export interface SshSettings {
  readonly user?: string;
  readonly port?: number;
  /** Private key file: then no other key is offered. */
  readonly identity?: string;
  /** Instead of the user's own known-hosts files, on every hop. */
  readonly knownHosts?: string;
  /** One host to go through, as ProxyJump of ssh_config. */
  readonly proxyJump?: string;
  /** Argument list that connects, as ProxyCommand of ssh_config; transport openssh only. */
  readonly proxyCommand?: readonly string[];
}

export interface HostEntry {
  readonly name: string;
  readonly address: string;
  readonly transport: Transport;
  readonly become: Become;
  /** Where the login user's password for sudo comes from; left out: a person is asked, when sudo asks. */
  readonly sudoPassword?: SecretSource;
  readonly service: ServiceKind;
  /** Directory on the host for the lock, holds and kept configs; `/var/lib/redis-runbook` unless fleet.yaml says otherwise. */
  readonly state: string;
  /** Left out when fleet.yaml says nothing about SSH. */
  readonly ssh?: SshSettings;
  readonly nodes: readonly NodeEntry[];
  /** Line of the host in fleet.yaml, for messages. */
  readonly line: number;
}

/** Where a secret comes from that fleet.yaml names a source for. */
export type SecretSource =
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'command'; readonly argv: readonly string[] }
  | { readonly from: 'prompt' };

/** Where the Redis password comes from. `node` = read from the node's own redis.conf (the default). */
export type PasswordSource = { readonly from: 'node' } | SecretSource;

/** A node that the fleet still knows and fleet.yaml names as gone for good. */
export interface IgnoredNode {
  readonly address: string;
  /** Left out: every port of the address. */
  readonly port?: number;
  readonly reason: string;
}

/** fleet.yaml, checked and with every default filled in. */
export interface Inventory {
  readonly fleet: string;
  /** Path of the fleet file as the operator gave it. */
  readonly file: string;
  readonly groups: readonly string[];
  readonly hosts: readonly HostEntry[];
  readonly password: PasswordSource;
  /** Left out when fleet.yaml ignores nobody. */
  readonly ignore?: readonly IgnoredNode[];
  /** Left out when fleet.yaml has no `backup:`. */
  readonly backup?: BackupSettings;
}

/** Passwords by node id, resolved once per run; never part of a survey. */
export type Passwords = ReadonlyMap<string, Secret>;

/** All nodes of one kind, in the order of the file. */
export function nodesOf(inventory: Inventory, kind: NodeKind): readonly NodeEntry[] {
  return inventory.hosts.flatMap((host) => host.nodes.filter((node) => node.kind === kind));
}
