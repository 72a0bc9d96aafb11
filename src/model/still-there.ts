/** Connections of clients from one address to one node: no replica, no sentinel, and not this tool's own. */
export interface ClientsAt {
  /** The address without a port; the path of a unix socket. */
  readonly address: string;
  readonly connections: number;
  /** Connections whose last command, in one of the two looks, may change data. */
  readonly writing: number;
  /** Names of last commands, never their keys or values. */
  readonly commands: readonly string[];
  /** Commands of these connections between the two looks; only servers that count them (Redis 8, Valkey 8.1) tell. */
  readonly perSecond?: number;
}

/** Who is connected to a running node, by two looks. */
export interface NodeClients {
  readonly node: string;
  readonly role: 'master' | 'replica';
  readonly clients: readonly ClientsAt[];
  /** Of clients; a replica counts what its master sends among them, so it tells none. */
  readonly commandsPerSecond?: number;
  readonly writesPerSecond?: number;
  /** Why the node could not be asked; then the rest is empty. */
  readonly notSeen?: string;
  /** What the plan does to these clients when nothing is done about them. */
  readonly otherwise: string;
}

/** Everybody who is still connected to a group before anything is done. */
export interface StillThere {
  readonly schema: 'redis-runbook/still-there/1';
  /** ISO 8601 UTC of the first look. */
  readonly at: string;
  readonly betweenMs: number;
  readonly nodes: readonly NodeClients[];
}
