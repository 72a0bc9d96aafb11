import type { RunningRedis } from '../model/survey.js';
import { bigField, type Fields, numberField } from './fields.js';
import { mayWrite } from './reading-commands.js';

export {
  pairs,
  parseInfoCache,
  parseSentinelMaster,
  parseSentinelReplicas,
  parseSentinelSentinels,
  type SentinelMasterAnswer,
} from './sentinel-answers.js';

/** The fields of an INFO answer, flat; section headings are left out, the last of equal names counts. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/**
 * A running server as its own `INFO all` tells it; 2.8 to 8.0 and Valkey. `replid` is '' before 4.0. `offset` is what the
 * node has applied. `masterLinkDownSeconds` is -1 when the link was never up since the start (6.2.3 says so; before, Redis
 * prints the time since 1970, which is longer than it runs). Throws an Error when the text is no INFO of a redis node.
 */
export function parseRunningRedis(info: string): RunningRedis {
  const fields = parseInfo(info);
  return { ...serverPart(fields), ...replicationPart(fields), ...dataPart(fields) };
}

/** What `INFO` of a sentinel tells. */
export interface SentinelInfo {
  readonly version: string;
  readonly runId: string;
  readonly uptimeSeconds: number;
  readonly tilt: boolean;
  readonly masters: readonly {
    readonly name: string;
    readonly status: string;
    readonly address: string;
    readonly replicas: number;
    /** This one included. */
    readonly sentinels: number;
  }[];
}

/** Reads the `INFO` of a sentinel. Throws an Error when the text is none. */
export function parseInfoSentinel(info: string): SentinelInfo {
  const fields = parseInfo(info);
  if (!fields.has('sentinel_masters')) throw new Error('INFO has no sentinel section: this is no sentinel');
  const masters = [...fields].filter(([name]) => /^master\d+$/.test(name)).map(([, value]) => commaFields(value));
  return {
    version: versionOf(fields),
    runId: fields.get('run_id') ?? '',
    uptimeSeconds: numberField(fields, 'uptime_in_seconds'),
    tilt: flag(fields, 'sentinel_tilt'),
    masters: masters.map((row) => ({
      name: row.get('name') ?? '',
      status: row.get('status') ?? '',
      address: row.get('address') ?? '',
      replicas: numberField(row, 'slaves', 'replicas'),
      sentinels: numberField(row, 'sentinels'),
    })),
  };
}

type ServerFields =
  | 'version'
  | 'flavour'
  | 'runId'
  | 'pid'
  | 'uptimeSeconds'
  | 'configFile'
  | 'executable'
  | 'role'
  | 'loading'
  | 'failoverState';
type DataFields =
  | 'keys'
  | 'expires'
  | 'aofEnabled'
  | 'changesSinceSave'
  | 'lastSaveSeconds'
  | 'lastSaveOk'
  | 'saveInProgress';

function serverPart(fields: Fields): Pick<RunningRedis, ServerFields> {
  return {
    version: versionOf(fields),
    flavour: fields.has('valkey_version') ? 'valkey' : 'redis',
    runId: fields.get('run_id') ?? '',
    pid: numberField(fields, 'process_id'),
    uptimeSeconds: numberField(fields, 'uptime_in_seconds'),
    configFile: fields.get('config_file') ?? '',
    executable: fields.get('executable') ?? '',
    role: roleOf(fields),
    loading: flag(fields, 'loading'),
    failoverState: fields.get('master_failover_state') ?? 'no-failover',
  };
}

function replicationPart(fields: Fields): Omit<RunningRedis, ServerFields | DataFields> {
  const replid2 = fields.get('master_replid2') ?? '';
  const second = bigField(fields, 'second_repl_offset');
  const hasSecond = /[1-9a-f]/.test(replid2);
  const replica = roleOf(fields) === 'replica';
  return {
    replid: fields.get('master_replid') ?? '',
    ...(hasSecond ? { replid2 } : {}),
    ...(hasSecond && second >= 0n ? { secondOffset: second } : {}),
    offset: replica
      ? bigField(fields, 'slave_repl_offset', 'replica_repl_offset')
      : bigField(fields, 'master_repl_offset'),
    ...(replica ? linkPart(fields) : {}),
    syncInProgress: replica && flag(fields, 'master_sync_in_progress'),
    replicas: replicaRows(fields),
    backlogActive: flag(fields, 'repl_backlog_active'),
    readOnly: replica && (fields.get('slave_read_only') ?? fields.get('replica_read_only')) !== '0',
  };
}

function linkPart(fields: Fields): Pick<RunningRedis, 'masterAddress' | 'masterLinkUp' | 'masterLinkDownSeconds'> {
  const up = fields.get('master_link_status') === 'up';
  const down = numberField(fields, 'master_link_down_since_seconds');
  const known = fields.has('master_link_down_since_seconds');
  return {
    masterAddress: `${fields.get('master_host') ?? ''}:${fields.get('master_port') ?? ''}`,
    masterLinkUp: up,
    ...(known
      ? { masterLinkDownSeconds: down < 0 || down > numberField(fields, 'uptime_in_seconds') + 1 ? -1 : down }
      : {}),
  };
}

function replicaRows(fields: Fields): RunningRedis['replicas'] {
  const rows = [...fields].filter(([name]) => /^(slave|replica)\d+$/.test(name)).map(([, value]) => commaFields(value));
  return rows.map((row) => ({
    address: `${row.get('ip') ?? ''}:${row.get('port') ?? ''}`,
    state: row.get('state') ?? '',
    offset: bigField(row, 'offset'),
    lagSeconds: numberField(row, 'lag'),
  }));
}

/** `cmdstat_set:calls=7,…`, from 7.0 on `cmdstat_xgroup|create`: what scripts and transactions call is among them (server.c:call). */
function writePart(fields: Fields): Pick<RunningRedis, 'writeCalls'> {
  const stats = [...fields].filter(([name]) => name.startsWith('cmdstat_'));
  if (stats.length === 0) return {};
  const writes = stats.filter(([name]) => mayWrite(name.slice('cmdstat_'.length)));
  return { writeCalls: writes.reduce((sum, [, value]) => sum + bigField(commaFields(value), 'calls'), 0n) };
}

function dataPart(fields: Fields): Pick<RunningRedis, DataFields> {
  const databases = [...fields].filter(([name]) => /^db\d+$/.test(name)).map(([, value]) => commaFields(value));
  return {
    keys: databases.reduce((sum, row) => sum + bigField(row, 'keys'), 0n),
    expires: databases.reduce((sum, row) => sum + bigField(row, 'expires'), 0n),
    ...(fields.has('used_memory') ? { usedMemoryBytes: bigField(fields, 'used_memory') } : {}),
    ...(fields.has('maxmemory') ? { maxmemoryBytes: bigField(fields, 'maxmemory') } : {}),
    aofEnabled: flag(fields, 'aof_enabled'),
    changesSinceSave: bigField(fields, 'rdb_changes_since_last_save'),
    ...writePart(fields),
    lastSaveSeconds: numberField(fields, 'rdb_last_save_time'),
    lastSaveOk: fields.get('rdb_last_bgsave_status') === 'ok',
    saveInProgress: flag(fields, 'rdb_bgsave_in_progress'),
  };
}

/** Valkey keeps redis_version at 7.2.4 for old clients and tells its own version apart. */
function versionOf(fields: Fields): string {
  const version = fields.get('valkey_version') ?? fields.get('redis_version');
  if (version === undefined) throw new Error('INFO has no redis_version: the answer is incomplete or not from Redis');
  return version;
}

function roleOf(fields: Fields): 'master' | 'replica' {
  const role = fields.get('role');
  if (role === 'master') return 'master';
  if (role === 'slave' || role === 'replica') return 'replica';
  throw new Error(`INFO names no role of a redis node${role === undefined ? '' : ` but "${role}"`}`);
}

/** `a=1,b=2` */
function commaFields(value: string): Fields {
  return new Map(
    value.split(',').map((item): [string, string] => {
      const equals = item.indexOf('=');
      return equals < 0 ? [item, ''] : [item.slice(0, equals), item.slice(equals + 1)];
    }),
  );
}

function flag(fields: Fields, name: string): boolean {
  return fields.get(name) === '1';
}
