/** Values that the readers of Redis' formats (src/redis) give and surveys hold. */

/** One directive of a config file, with where it stood. */
export interface ConfigLine {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  /** 1-based column of the first character that is not blank */
  readonly column: number;
  readonly raw: string;
  /** Lower-cased directive; aliases are kept as written (`slaveof` stays `slaveof`). Empty for comments and blank lines. */
  readonly name: string;
  readonly args: readonly string[];
  /** The chain of `include` lines that led here, outermost first, as `file:line`. */
  readonly includedFrom: readonly string[];
}

export interface RdbSummary {
  readonly version: number;
  /** Redis or Valkey version that wrote the file (`redis-ver`, `valkey-ver`). */
  readonly writtenBy?: string;
  /** Start of serialisation, seconds since the epoch, the writer's clock. */
  readonly ctimeSeconds?: number;
  /** Both or neither: the replication id and offset at the fork. */
  readonly replid?: string;
  readonly offset?: bigint;
  /** Memory of the process that wrote it, bytes; 3.2 and later. */
  readonly usedMemoryBytes?: bigint;
  readonly aofBase: boolean;
  /** Sum of the RESIZEDB counts that were seen; undefined when none was in reach. */
  readonly keys?: bigint;
  readonly expires?: bigint;
  /** Whether `keys` counts every database (the whole file was read) or only what the head showed. */
  readonly keysExact: boolean;
  /** The file ends with EOF opcode and checksum. */
  readonly complete: boolean;
  /** CRC64 compared over the whole file: right, wrong, or not checked (only head and tail were read, or the file has none). */
  readonly checksum: 'right' | 'wrong' | 'not-checked' | 'none';
}

export interface AofFile {
  readonly name: string;
  readonly path: string;
  readonly type: 'base' | 'incr' | 'history' | 'single';
  readonly seq: number;
  readonly sizeBytes: bigint;
  readonly mtimeMs: number;
}

export interface AofSummary {
  /** `multi` = manifest and directory (7.0+), `single` = one file. */
  readonly layout: 'multi' | 'single';
  readonly manifestPath?: string;
  readonly files: readonly AofFile[];
  /** How the last incremental (or the single) file ends, from its tail bytes. */
  readonly tail: 'clean' | 'torn' | 'open-multi' | 'unknown';
  /** True when the listed files hold no data at all (no file, or only empty ones, and a base without keys). */
  readonly empty: boolean;
  /** Unix seconds of the last `#TS:` annotation in reach, where the node writes them. */
  readonly lastTimestampSeconds?: number;
}

/** One line of a redis-server log that says something about histories, saves or service. */
export type LogEvent = { readonly at: LogPlace } & (
  | { readonly kind: 'started'; readonly version: string; readonly flavour: 'redis' | 'valkey' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'loaded-rdb'; readonly keys?: bigint }
  | { readonly kind: 'loaded-aof' }
  | { readonly kind: 'loaded-nothing' }
  | { readonly kind: 'backlog-created'; readonly replid: string }
  | { readonly kind: 'promoted'; readonly parent: string; readonly cut: bigint; readonly replid: string }
  | { readonly kind: 'master-mode'; readonly by: string }
  | { readonly kind: 'replica-of'; readonly address: string; readonly by: string }
  | { readonly kind: 'connecting-to-master'; readonly address: string }
  | { readonly kind: 'partial-requested'; readonly replid: string; readonly requestOffset: bigint }
  | { readonly kind: 'full-resync'; readonly replid: string; readonly offset: bigint }
  | { readonly kind: 'partial-resync' }
  | { readonly kind: 'master-id-changed'; readonly replid: string }
  | { readonly kind: 'master-lost' }
  | { readonly kind: 'cached-master-discarded' }
  | { readonly kind: 'replica-asks'; readonly address: string }
  | { readonly kind: 'replica-synced'; readonly address: string }
  | {
      readonly kind: 'partial-accepted';
      readonly address: string;
      readonly offset: bigint;
      readonly lengthBytes: bigint;
    }
  | { readonly kind: 'replica-lost'; readonly address: string }
  | { readonly kind: 'cached-master-from-disk' }
  | { readonly kind: 'synced-at-shutdown'; readonly inSync: number; readonly replicas: number }
  | { readonly kind: 'shutdown-requested'; readonly by: string }
  | { readonly kind: 'saved' }
  | { readonly kind: 'save-failed'; readonly reason: string }
  | { readonly kind: 'exited' }
  | { readonly kind: 'aof-truncated'; readonly offset: bigint }
  | { readonly kind: 'multi-reverted' }
  | { readonly kind: 'aof-rewritten' }
  | { readonly kind: 'aof-synced' }
  | { readonly kind: 'flushed' }
  | { readonly kind: 'fatal'; readonly reason: string }
);

/** One line of a sentinel log that matters. */
export type SentinelLogEvent = { readonly at: LogPlace } & (
  | { readonly kind: 'switch-master'; readonly group: string; readonly from: string; readonly to: string }
  | { readonly kind: 'config-update'; readonly group: string; readonly from: string; readonly to: string }
  | { readonly kind: 'new-epoch'; readonly epoch: bigint }
  | { readonly kind: 'voted'; readonly leader: string; readonly epoch: bigint }
  | { readonly kind: 'promoted'; readonly group: string; readonly address: string }
  | { readonly kind: 'failover-aborted'; readonly group: string; readonly reason: string }
  | { readonly kind: 'next-failover-delay'; readonly until: string }
  | { readonly kind: 'other'; readonly event: string; readonly detail: string }
);

export interface LogPlace {
  readonly file: string;
  readonly line: number;
  /** The time as the log prints it, the node's local time and no zone; undefined when the line has none. */
  readonly local?: string;
  /** `local` read as if it were UTC, milliseconds: only differences inside one log mean anything. */
  readonly localMs?: number;
  readonly pid?: number;
  /** The role letter of the line: M master, S replica, C child, X sentinel. */
  readonly role?: string;
  readonly text: string;
}
