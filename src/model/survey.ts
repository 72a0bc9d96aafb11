import type { AofSummary, ConfigLine, LogEvent, RdbSummary, SentinelLogEvent } from './formats.js';
import type { IgnoredNode } from './inventory.js';
import type { LeftOutHost } from './left-out.js';
import type { FileStat, RawProcess } from './raw-host.js';
import type { Seen } from './seen.js';

/** Everything seen at one moment, read-only, by group. Holds no RawHost. */
export interface Survey {
  readonly schema: 'redis-runbook/survey/1';
  readonly fleet: string;
  /** ISO 8601 UTC, when the looking began. */
  readonly at: string;
  readonly elapsedMs: number;
  readonly hosts: readonly HostSurvey[];
  readonly groups: Readonly<Record<string, GroupSurvey>>;
}

export interface HostSurvey {
  readonly host: string;
  readonly address: string;
  readonly reached: Seen<true>;
  readonly elapsedMs: number;
  readonly clockOffsetMs: Seen<number>;
  readonly diskFreeBytes: Seen<number>;
  /** redis-server and redis-sentinel processes on the host's addresses that fleet.yaml does not name. */
  readonly unknownProcesses: readonly RawProcess[];
  /** The run that holds the fleet's lock on this host, when one does. */
  readonly lock: Seen<LockHolder>;
  /** The hosts that runs left out, as this host remembers them; `absent` when it remembers none. */
  readonly leftOut: Seen<readonly LeftOutHost[]>;
}

export interface LockHolder {
  readonly run: string;
  readonly who: string;
  readonly since: string;
  readonly heartbeat: string;
  readonly doing: string;
  readonly pid: number;
}

export interface GroupSurvey {
  readonly group: string;
  /** Nodes that fleet.yaml names as gone for good; left out when it names none. */
  readonly ignored?: readonly IgnoredNode[];
  readonly redis: readonly RedisSurvey[];
  readonly sentinels: readonly SentinelSurvey[];
}

/** What the config files (and includes) of a node will give at the next start, for the directives that decide. */
export interface WillGive {
  readonly files: readonly string[];
  readonly lines: readonly ConfigLine[];
  readonly dir: string;
  readonly dbfilename: string;
  readonly appendonly: boolean;
  readonly appendfilename: string;
  readonly appenddirname: string;
  /** `save` pairs in effect; empty = no RDB by itself and no save at a clean stop. */
  readonly save: readonly { readonly seconds: number; readonly changes: number }[];
  /** `host port` of replicaof/slaveof, or undefined for a master, with the line that decides. */
  readonly replicaOf?: { readonly host: string; readonly port: number; readonly from: ConfigLine };
  readonly port: number;
  readonly bind: readonly string[];
  readonly logfile: string;
  readonly pidfile: string;
  /** Keyed hashes of the secrets, for comparison only. */
  readonly requirepassHash?: string;
  readonly masterauthHash?: string;
  readonly maxmemoryBytes: bigint;
}

export interface RunningRedis {
  readonly version: string;
  readonly flavour: 'redis' | 'valkey';
  readonly runId: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly configFile: string;
  readonly executable: string;
  readonly role: 'master' | 'replica';
  readonly loading: boolean;
  readonly replid: string;
  readonly replid2?: string;
  /** Applied offset: `master_repl_offset` on a master, `slave_repl_offset` on a replica. */
  readonly offset: bigint;
  /** `second_repl_offset`, exclusive as Redis prints it; undefined when there is no second id. */
  readonly secondOffset?: bigint;
  readonly masterAddress?: string;
  readonly masterLinkUp?: boolean;
  readonly masterLinkDownSeconds?: number;
  readonly syncInProgress: boolean;
  readonly replicas: readonly {
    readonly address: string;
    readonly state: string;
    readonly offset: bigint;
    readonly lagSeconds: number;
  }[];
  readonly backlogActive: boolean;
  readonly keys: bigint;
  readonly expires: bigint;
  /** Memory that it uses now, and its limit (0 = none); left out where INFO does not say. */
  readonly usedMemoryBytes?: bigint;
  readonly maxmemoryBytes?: bigint;
  readonly aofEnabled: boolean;
  readonly changesSinceSave: bigint;
  /** Calls of commands that write since its start, or since CONFIG RESETSTAT; left out where INFO has no command statistics. */
  readonly writeCalls?: bigint;
  readonly lastSaveSeconds: number;
  readonly lastSaveOk: boolean;
  readonly saveInProgress: boolean;
  readonly readOnly: boolean;
  readonly failoverState: string;
}

/** The server that a node starts as. */
export interface NodeServer {
  readonly flavour: 'redis' | 'valkey';
  /** As `7.0.15`. */
  readonly version: string;
}

export interface RedisSurvey {
  readonly node: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** The process that is this node: seen with `value: null` when it is known that none runs. */
  readonly process: Seen<RawProcess | null>;
  readonly running: Seen<RunningRedis>;
  /** By the program that starts it; where that was not seen, by INFO, else by the last start in its log. */
  readonly server: Seen<NodeServer>;
  readonly config: Seen<WillGive>;
  readonly configStat: Seen<FileStat>;
  readonly rdb: Seen<RdbSummary>;
  readonly rdbStat: Seen<FileStat>;
  readonly aof: Seen<AofSummary>;
  /** Evidence lines of the node's own log, oldest first, rotated files included. */
  readonly log: Seen<readonly LogEvent[]>;
  /** The last line of the log that has a time: the newest trace of service on this host's own clock. */
  readonly lastLogLine: Seen<{ readonly local: string; readonly localMs: number }>;
  readonly held: Seen<{ readonly run: string } | null>;
  /** Temporary RDB files that an interrupted save or copy left in its data directory; left out where there are none. */
  readonly leftovers?: readonly { readonly path: string; readonly stat: FileStat }[];
}

export interface SentinelPeer {
  readonly address: string;
  readonly runId: string;
  readonly flags: readonly string[];
  readonly lastHelloAgoMs: number;
  readonly lastOkPingAgoMs: number;
}

export interface SentinelReplica {
  readonly address: string;
  readonly flags: readonly string[];
  readonly infoAgoMs: number;
  readonly masterLinkOk: boolean;
  /** How long its link to the master had been down when it last said so, milliseconds; 0 while it is up. */
  readonly masterLinkDownMs: number;
  readonly offset: bigint;
  readonly priority: number;
}

/** The end of an INFO that a sentinel kept; `replid` is '' before 4.0. */
export interface LastHeard {
  readonly agoMs: number;
  readonly role: 'master' | 'replica';
  readonly replid: string;
  readonly offset: bigint;
}

/** What a running sentinel says about one group. */
export interface SentinelView {
  readonly master: string;
  readonly flags: readonly string[];
  readonly configEpoch: bigint;
  readonly quorum: number;
  readonly downAfterMs: number;
  readonly failoverTimeoutMs: number;
  readonly failoverState?: string;
  readonly peers: readonly SentinelPeer[];
  readonly replicas: readonly SentinelReplica[];
  /** What the master said of itself when this sentinel last heard it (INFO-CACHE, 3.2 and later), alive or dead. */
  readonly lastHeard?: LastHeard;
  /** The answer of CKQUORUM: `ok` and the text. */
  readonly ckquorum: Seen<{ readonly ok: boolean; readonly text: string }>;
}

/** What a sentinel.conf says about one group. */
export interface SentinelFile {
  readonly path: string;
  readonly lines: readonly ConfigLine[];
  readonly myid?: string;
  readonly master: string;
  readonly quorum: number;
  readonly configEpoch: bigint;
  readonly currentEpoch: bigint;
  readonly leaderEpoch: bigint;
  readonly knownSentinels: readonly { readonly address: string; readonly myid?: string }[];
  readonly knownReplicas: readonly string[];
  readonly otherGroups: readonly string[];
  readonly authPassHash?: string;
  readonly scripts: readonly string[];
}

export interface SentinelSurvey {
  readonly node: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly process: Seen<RawProcess | null>;
  readonly running: Seen<{
    readonly version: string;
    readonly runId: string;
    readonly myid: string;
    readonly uptimeSeconds: number;
    readonly tilt: boolean;
    readonly currentEpoch?: bigint;
  }>;
  readonly view: Seen<SentinelView>;
  readonly file: Seen<SentinelFile>;
  readonly fileStat: Seen<FileStat>;
  readonly log: Seen<readonly SentinelLogEvent[]>;
  readonly held: Seen<{ readonly run: string } | null>;
}

/** The last FLUSHALL or FLUSHDB in the append-only files of a node, asked for by diagnosis; null = none stands there. */
export interface AofFlush {
  readonly flushed: string;
  /** Bytes of all its files up to and with that command, the base included, and of what follows. */
  readonly result: Seen<{
    readonly command: string;
    readonly beforeBytes: bigint;
    readonly afterBytes: bigint;
  } | null>;
}

/** What the data itself said to a question of the diagnosis. */
export type Answer = AofComparison | AofFlush;

/** An AOF comparison that diagnosis asked for and the survey answered. See `Question` in diagnosis.ts. */
export interface AofComparison {
  readonly of: string;
  readonly within: string;
  /** `contained` = the end of `of`'s last INCR stands byte for byte in `within`'s INCR; `not-contained` = it does not; `unknown` = could not be compared. */
  readonly result: Seen<'contained' | 'not-contained'>;
  readonly comparedBytes: number;
}
