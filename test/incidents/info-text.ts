/** What a running node says of itself, as far as it matters. */
export interface Replication {
  readonly role: 'master' | 'replica';
  readonly replid?: string;
  readonly offset?: number;
  /** `master_replid2` and `second_repl_offset`, as Redis prints it: one past the last shared byte. */
  readonly second?: { readonly replid: string; readonly offset: number };
  readonly of?: string;
  readonly linkUp?: boolean;
  readonly linkDownSeconds?: number;
  readonly keys: number;
  readonly uptimeSeconds?: number;
  readonly aof?: true;
  readonly noBacklog?: true;
  readonly syncing?: true;
  readonly loading?: true;
  readonly changes?: number;
  readonly writable?: true;
  readonly priority?: number;
  readonly runId?: string;
  readonly replicas?: readonly { readonly of: string; readonly offset: number }[];
  readonly writeCalls?: number;
}

const zeros = '0'.repeat(40);

/** INFO all of a server of that version, with the fields that it has: no ids before 4.0, `slave` everywhere. */
export function infoText(server: string, node: Replication): string {
  const valkey = server.startsWith('valkey');
  const version = valkey ? '7.2.4' : server;
  const hasIds = valkey || Number(version.split('.')[0]) >= 4;
  const lines = [
    '# Server',
    `redis_version:${version}`,
    ...(valkey ? ['server_name:valkey', `valkey_version:${server.slice('valkey '.length)}`] : []),
    `run_id:${node.runId ?? 'e'.repeat(40)}`,
    `uptime_in_seconds:${node.uptimeSeconds ?? 86_400}`,
    'config_file:/etc/redis/redis.conf',
    '# Persistence',
    `loading:${node.loading ? 1 : 0}`,
    `rdb_changes_since_last_save:${node.changes ?? 0}`,
    'rdb_last_save_time:1795100000',
    'rdb_last_bgsave_status:ok',
    'rdb_bgsave_in_progress:0',
    `aof_enabled:${node.aof ? 1 : 0}`,
    '# Replication',
    ...roleLines(node, hasIds),
    ...(hasIds ? idLines(node) : []),
    `master_repl_offset:${hasIds || node.role === 'master' ? (node.offset ?? 0) : 0}`,
    ...(hasIds ? [`second_repl_offset:${node.second?.offset ?? -1}`] : []),
    `repl_backlog_active:${node.noBacklog ? 0 : 1}`,
    ...(node.writeCalls === undefined ? [] : ['# Commandstats', `cmdstat_set:calls=${node.writeCalls},usec=1`]),
    '# Keyspace',
    ...(node.keys > 0 ? [`db0:keys=${node.keys},expires=0,avg_ttl=0`] : []),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function idLines({ replid, second }: Replication): readonly string[] {
  return [`master_replid:${replid ?? zeros}`, `master_replid2:${second?.replid ?? zeros}`];
}

function roleLines(node: Replication, hasIds: boolean): readonly string[] {
  const replicas = node.replicas ?? [];
  const rows = replicas.map(
    ({ of, offset }, index) => `slave${index}:ip=${of},port=6379,state=online,offset=${offset},lag=0`,
  );
  const connected = [`connected_slaves:${replicas.length}`, ...rows];
  if (node.role === 'master') return ['role:master', ...connected];
  return [
    'role:slave',
    `master_host:${node.of ?? ''}`,
    'master_port:6379',
    `master_link_status:${node.linkUp ? 'up' : 'down'}`,
    `master_last_io_seconds_ago:${node.linkUp ? 0 : -1}`,
    `master_sync_in_progress:${node.syncing ? 1 : 0}`,
    `slave_repl_offset:${node.offset ?? 0}`,
    ...(node.linkUp ? [] : [`master_link_down_since_seconds:${node.linkDownSeconds ?? 30}`]),
    `slave_priority:${node.priority ?? 100}`,
    `slave_read_only:${node.writable ? 0 : 1}`,
    ...connected,
    ...(hasIds ? ['master_failover_state:no-failover'] : []),
  ];
}
