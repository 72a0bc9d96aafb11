import type { Candidate, Diagnosis, Relation } from '../../src/model/diagnosis.js';
import type { From, NotSeen, Seen, WhyNot } from '../../src/model/seen.js';
import type {
  GroupSurvey,
  HostSurvey,
  RedisSurvey,
  RunningRedis,
  SentinelSurvey,
  SentinelView,
  Survey,
  WillGive,
} from '../../src/model/survey.js';

const at = '2026-11-20T17:31:08.000Z';
const from: From = { host: 'lab', source: 'builder' };

export function seen<T>(value: T): Seen<T> {
  return { ok: true, value, from, at };
}

export function unseen(why: WhyNot, detail = ''): NotSeen {
  return { ok: false, why, detail, from, at };
}

const addresses: Readonly<Record<string, string>> = {
  pv1: '10.0.10.1',
  pv2: '10.0.10.2',
  pv3: '10.0.10.3',
  pvha1: '10.0.0.1',
  pvha2: '10.0.0.2',
};

export function host(name: string, more: Partial<HostSurvey> = {}): HostSurvey {
  return {
    host: name,
    address: addresses[name] ?? '10.9.9.9',
    reached: seen(true),
    elapsedMs: 400,
    clockOffsetMs: seen(0),
    diskFreeBytes: seen(81e9),
    unknownProcesses: [],
    lock: unseen('absent'),
    leftOut: unseen('absent'),
    ...more,
  };
}

const process = {
  pid: 811,
  startedAtMs: 1,
  uid: 107,
  exe: '/usr/bin/redis-server',
  title: 'redis-server',
  cwd: '/var/lib/redis',
  listens: [],
};

export function running(more: Partial<RunningRedis> = {}): RunningRedis {
  return {
    version: '7.0.15',
    flavour: 'redis',
    runId: 'a'.repeat(40),
    pid: 811,
    uptimeSeconds: 86_400,
    configFile: '/etc/redis/redis.conf',
    executable: '/usr/bin/redis-server',
    role: 'replica',
    loading: false,
    replid: 'c'.repeat(40),
    offset: 112_004_663n,
    masterAddress: '10.0.10.2:6379',
    masterLinkUp: true,
    syncInProgress: false,
    replicas: [],
    backlogActive: true,
    keys: 1_209_114n,
    expires: 0n,
    aofEnabled: false,
    changesSinceSave: 0n,
    lastSaveSeconds: 1,
    lastSaveOk: true,
    saveInProgress: false,
    readOnly: true,
    failoverState: 'no-failover',
    ...more,
  };
}

export function config(replicaOf?: string, more: Partial<WillGive> = {}): WillGive {
  const line = {
    file: '/etc/redis/redis.conf',
    line: 531,
    column: 1,
    raw: '',
    name: 'replicaof',
    args: [],
    includedFrom: [],
  };
  return {
    files: ['/etc/redis/redis.conf'],
    lines: [],
    dir: '/var/lib/redis',
    dbfilename: 'dump.rdb',
    appendonly: false,
    appendfilename: 'appendonly.aof',
    appenddirname: 'appendonlydir',
    save: [{ seconds: 900, changes: 1 }],
    ...(replicaOf ? { replicaOf: { host: addresses[replicaOf] ?? replicaOf, port: 6379, from: line } } : {}),
    port: 6379,
    bind: [],
    logfile: '',
    pidfile: '',
    maxmemoryBytes: 0n,
    ...more,
  };
}

/** A stopped redis whose files were written at `savedAt`. */
export function stopped(name: string, replicaOf: string | undefined, savedAt: string): RedisSurvey {
  return redis(name, {
    process: seen(null),
    running: unseen('absent', 'no process'),
    config: seen(config(replicaOf)),
    rdbStat: seen({
      sizeBytes: 412_000_000n,
      mtimeMs: Date.parse(savedAt),
      ctimeMs: Date.parse(savedAt),
      mode: 0o640,
      uid: 107,
      gid: 107,
      device: 1n,
      inode: 2n,
      type: 'file',
    }),
  });
}

export function redis(name: string, more: Partial<RedisSurvey> = {}): RedisSurvey {
  return {
    node: name,
    host: name,
    address: addresses[name] ?? name,
    port: 6379,
    process: seen(process),
    running: seen(running()),
    config: seen(config()),
    configStat: unseen('not-asked'),
    rdb: unseen('absent'),
    rdbStat: unseen('absent'),
    aof: unseen('absent'),
    log: seen([]),
    server: unseen('absent'),
    lastLogLine: unseen('absent'),
    held: seen(null),
    ...more,
  };
}

export function view(master: string, epoch: bigint, more: Partial<SentinelView> = {}): SentinelView {
  const peer = (flags: string) => ({
    address: '',
    runId: '',
    flags: flags.split(','),
    lastHelloAgoMs: 900,
    lastOkPingAgoMs: 400,
  });
  return {
    master: `${addresses[master]}:6379`,
    flags: ['master'],
    configEpoch: epoch,
    quorum: 3,
    downAfterMs: 30_000,
    failoverTimeoutMs: 180_000,
    peers: [peer('sentinel'), peer('sentinel'), peer('sentinel,s_down'), peer('sentinel,s_down,disconnected')],
    replicas: [],
    ckquorum: seen({ ok: true, text: 'OK 5 usable Sentinels.' }),
    ...more,
  };
}

export function sentinel(name: string, more: Partial<SentinelSurvey> = {}): SentinelSurvey {
  return {
    node: `${name}/sentinel`,
    host: name,
    address: addresses[name] ?? name,
    port: 26379,
    process: seen({ ...process, exe: '/usr/bin/redis-sentinel' }),
    running: seen({ version: '7.0.15', runId: 'b', myid: 'b', uptimeSeconds: 10, tilt: false, currentEpoch: 12n }),
    view: seen(view('pv2', 12n)),
    file: unseen('not-asked'),
    fileStat: unseen('not-asked'),
    log: seen([]),
    held: seen(null),
    ...more,
  };
}

/** What a stopped sentinel's file says. */
export function sentinelFile(master: string, epoch: bigint) {
  return seen({
    path: '/etc/redis/sentinel.conf',
    lines: [],
    master: `${addresses[master]}:6379`,
    quorum: 3,
    configEpoch: epoch,
    currentEpoch: epoch,
    leaderEpoch: epoch,
    knownSentinels: [],
    knownReplicas: [],
    otherGroups: [],
    scripts: [],
  });
}

export function survey(group: Omit<GroupSurvey, 'group'>, more: Partial<Survey> = {}): Survey {
  return {
    schema: 'redis-runbook/survey/1',
    fleet: 'shop',
    at,
    elapsedMs: 800,
    hosts: Object.keys(addresses).map((name) => host(name)),
    groups: { 'stn-master': { group: 'stn-master', ...group } },
    ...more,
  };
}

export const ids = { A: `5d1f0c9e${'0'.repeat(32)}`, B: `c07a44b1${'1'.repeat(32)}`, C: `99ee00aa${'2'.repeat(32)}` };

export function candidate(
  node: string,
  verdict: Candidate['verdict'],
  end: readonly [keyof typeof ids, bigint] | undefined,
  more: Partial<Candidate> = {},
): Candidate {
  return {
    node,
    verdict,
    ...(end ? { end: { replid: ids[end[0]], offset: end[1], precision: 'exact' as const } } : {}),
    source: 'rdb',
    versus: {},
    speaksFor: [],
    speaksAgainst: [],
    ...more,
  };
}

export const contained = (lagBytes: bigint): Relation => ({ kind: 'contained', lagBytes, why: 'same history' });

export function diagnosis(more: Partial<Diagnosis> = {}): Diagnosis {
  return {
    schema: 'redis-runbook/diagnosis/1',
    group: 'stn-master',
    at,
    state: 'down',
    headline: [],
    claims: [],
    unknown: [],
    findings: [],
    candidates: [],
    consents: [],
    possibleTails: [],
    lineage: { histories: [], edges: [], ends: [] },
    naive: [],
    epochs: { highestEpoch: 12n, nextEpoch: 13n, from: 'pv2' },
    path: { recommended: 'cold', why: 'no Redis is running.', ruledOut: [] },
    leftOut: [],
    questions: [],
    ...more,
  };
}

/** Histories by letter, in descent, born on the named nodes; ends from the candidates. */
export function lineage(
  histories: Partial<Record<keyof typeof ids, string | undefined>>,
  edges: readonly (readonly [keyof typeof ids, keyof typeof ids, bigint])[],
  candidates: readonly Candidate[],
): Diagnosis['lineage'] {
  return {
    histories: (Object.keys(histories) as (keyof typeof ids)[]).map((letter) => {
      const bornOn = histories[letter];
      return { letter, replid: ids[letter], ...(bornOn ? { bornOn } : {}) };
    }),
    edges: edges.map(([parent, child, cut]) => ({
      parent: ids[parent],
      child: ids[child],
      cut,
      how: 'promotion' as const,
      proof: 'redis log',
    })),
    ends: candidates.flatMap((each) => (each.end ? [{ node: each.node, end: each.end }] : [])),
  };
}
