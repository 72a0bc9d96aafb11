import type { LogEvent } from '../../src/model/formats.js';
import type { NotSeen, Seen } from '../../src/model/seen.js';
import type {
  GroupSurvey,
  RedisSurvey,
  RunningRedis,
  SentinelSurvey,
  Survey,
  WillGive,
} from '../../src/model/survey.js';
import { addressOf, type Fleet, type Node, replicasOf, type Writes } from './fleet.js';

/** What the look loses: whole logs, or their beginnings (rotated away); votes of sentinels. */
export interface Losses {
  /** By node: 0 = the log is there, 1 = gone, between = this part of its beginning is gone. */
  readonly logs: readonly number[];
  readonly sentinels: readonly ('votes' | 'stale' | 'gone')[];
}

export const noLosses: Losses = { logs: [], sentinels: [] };

const at = '2026-01-01T00:00:00.000Z';
const seen = <T>(value: T, host = 'pv1'): Seen<T> => ({ ok: true, value, from: { host, source: 'model' }, at });
const unseen = (why: NotSeen['why']): NotSeen => ({
  ok: false,
  why,
  detail: why,
  from: { host: 'pv1', source: 'model' },
  at,
});

/** In truth, what the node would load, or holds in memory while it runs. */
export function truthOf(node: Node): Writes {
  if (node.alive) return node.writes;
  if (node.aof) return node.aofWrites ?? new Set();
  return node.file?.writes ?? new Set();
}

export function surveyOf(fleet: Fleet, losses: Losses = noLosses): Survey {
  const group: GroupSurvey = {
    group: 'g',
    redis: fleet.nodes.map((node, index) => redisOf(fleet, node, losses.logs[index] ?? 0)),
    sentinels: (losses.sentinels.length > 0 ? losses.sentinels : (['votes', 'votes', 'votes'] as const)).map(
      (fate, index) => sentinelOf(fleet, index, fate),
    ),
  };
  const hosts = fleet.nodes.map((node) => ({
    host: node.name,
    address: '',
    reached: seen(true as const),
    elapsedMs: 1,
    clockOffsetMs: seen(node.clockMs),
    diskFreeBytes: seen(1),
    unknownProcesses: [],
    lock: unseen('absent'),
    leftOut: unseen('absent'),
  }));
  return { schema: 'redis-runbook/survey/1', fleet: 'model', at, elapsedMs: 1, hosts, groups: { g: group } };
}

function redisOf(fleet: Fleet, node: Node, lost: number): RedisSurvey {
  const [address = '', port] = addressOf(node).split(':');
  const process = { pid: 1, startedAtMs: 0, uid: 0, exe: 'redis-server', title: '', cwd: '/', listens: [] };
  const log: readonly LogEvent[] = node.log.slice(Math.floor(node.log.length * lost));
  const last = node.log.at(-1)?.at;
  const writes = truthOf(node);
  return {
    node: node.name,
    host: node.name,
    address,
    port: Number(port),
    process: seen(node.alive ? process : null),
    running: node.alive ? seen(runningOf(fleet, node)) : unseen('absent'),
    config: seen(configOf(node)),
    configStat: unseen('not-asked'),
    rdb: rdbOf(node),
    rdbStat: unseen('not-asked'),
    aof: aofOf(node, writes),
    log: lost >= 1 ? unseen('absent') : seen(log, node.name),
    server: unseen('absent'),
    lastLogLine:
      last?.localMs === undefined || lost >= 1
        ? unseen('absent')
        : seen({ local: last.local ?? '', localMs: last.localMs }),
    held: seen(null),
  };
}

function aofOf(node: Node, writes: Writes): RedisSurvey['aof'] {
  if (!node.aof || !node.aofWrites) return unseen('absent');
  return seen({ layout: 'multi', files: [], tail: 'clean', empty: writes.size === 0 });
}

function rdbOf(node: Node): RedisSurvey['rdb'] {
  const { file } = node;
  if (!file) return unseen('absent');
  return seen({
    version: 10,
    ctimeSeconds: Math.floor(file.atMs / 1000),
    ...(file.replid === undefined || file.offset === undefined ? {} : { replid: file.replid, offset: file.offset }),
    aofBase: false,
    keys: BigInt(file.writes.size),
    keysExact: true,
    complete: true,
    checksum: 'right',
  });
}

function configOf(node: Node): WillGive {
  return {
    files: ['/etc/redis.conf'],
    lines: [],
    dir: '/',
    dbfilename: 'dump.rdb',
    appendonly: node.aof,
    appendfilename: 'appendonly.aof',
    appenddirname: 'appendonlydir',
    save: node.saves ? [{ seconds: 900, changes: 1 }] : [],
    port: 6379,
    bind: [],
    logfile: '',
    pidfile: '',
    maxmemoryBytes: 0n,
  };
}

function runningOf(fleet: Fleet, node: Node): RunningRedis {
  return {
    version: '7.0.15',
    flavour: 'redis',
    runId: node.name.repeat(10),
    pid: 1,
    uptimeSeconds: 1,
    configFile: '/etc/redis.conf',
    executable: 'redis-server',
    role: node.role,
    loading: false,
    replid: node.replid,
    // Without a master to ask for more, INFO says 1 (server.c:genRedisInfoString, slave_repl_offset).
    offset: node.role === 'replica' && node.link === 'down' && !node.cached ? 1n : node.offset,
    ...(node.replid2 === undefined ? {} : { replid2: node.replid2, secondOffset: node.cut2 + 1n }),
    ...(node.of ? { masterAddress: addressOf(node.of), masterLinkUp: node.link !== 'down' } : {}),
    syncInProgress: false,
    replicas: replicasOf(fleet, node).map((replica) => ({
      address: addressOf(replica),
      state: 'online',
      offset: replica.offset,
      lagSeconds: 0,
    })),
    backlogActive: node.backlog,
    keys: BigInt(node.writes.size),
    expires: 0n,
    aofEnabled: node.aof,
    changesSinceSave: BigInt(node.changes),
    lastSaveSeconds: 0,
    lastSaveOk: true,
    saveInProgress: false,
    readOnly: true,
    failoverState: 'no-failover',
  };
}

function sentinelOf(fleet: Fleet, index: number, fate: Losses['sentinels'][number]): SentinelSurvey {
  const master = fate === 'stale' ? fleet.nodes[0] : fleet.elected;
  const epoch = fate === 'stale' ? 0n : fleet.epoch;
  return {
    node: `s${index}/sentinel`,
    host: `s${index}`,
    address: `10.0.1.${index}`,
    port: 26379,
    process: seen(null),
    running: unseen('absent'),
    view: unseen('absent'),
    file:
      fate === 'gone' || !master
        ? unseen('denied')
        : seen({
            path: '/s.conf',
            lines: [],
            myid: `${index}`,
            master: addressOf(master),
            quorum: 2,
            configEpoch: epoch,
            currentEpoch: epoch,
            leaderEpoch: epoch,
            knownSentinels: [],
            knownReplicas: [],
            otherGroups: [],
            scripts: [],
          }),
    fileStat: unseen('not-asked'),
    log: unseen('absent'),
    held: seen(null),
  };
}
