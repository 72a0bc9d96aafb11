import type { KeyLedger } from './ledger.js';

/** How a key of the set-aside branch stands to the data that serves. */
export type SalvageStanding = 'only' | 'different' | 'other-expiry';

/** One key of a bundle, as DUMP gave it. */
export interface SalvagedKey {
  readonly database: number;
  readonly key: Uint8Array;
  readonly type: string;
  /** Unix time, milliseconds; -1: no expiry. */
  readonly expireAtMs: number;
  readonly standing: SalvageStanding;
  /** What RESTORE takes; left out where it was too large to be carried: it is in the kept files alone. */
  readonly dump?: Uint8Array;
}

/** What a bundle is: the keys that only the set-aside branch holds, or holds otherwise, when it was made. Says no key names. */
export interface SalvageManifest {
  readonly schema: 'redis-runbook/salvage/1';
  readonly fleet: string;
  readonly group: string;
  /** The node whose branch was set aside. */
  readonly node: string;
  /** The node whose data it was compared with. */
  readonly beside: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Of the server that made the payloads: one that is older may refuse them. */
  readonly serverVersion: string;
  readonly file: { readonly name: 'keys.jsonl'; readonly sizeBytes: bigint; readonly sha256: string };
  /** Keys without a payload. */
  readonly tooLarge: bigint;
  readonly ledger: KeyLedger;
}

/** How far an apply has come, or came. */
export interface SalvageApplied {
  readonly restored: bigint;
  /** Absent when asked, with `--dry-run`: would be restored. */
  readonly wouldRestore: bigint;
  /** There already: never written over. */
  readonly there: bigint;
  /** Their time is over. */
  readonly expired: bigint;
  /** Not asked for by `--only`. */
  readonly passed: bigint;
  /** Of the bundle, with another value or expiry on the serving side: a person decides. */
  readonly differing: bigint;
  /** Without a payload. */
  readonly tooLarge: bigint;
}
