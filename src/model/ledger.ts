/** Keys of one kind of finding, by what may be told of them: types and shared beginnings, never names. */
export interface KeyTally {
  readonly keys: bigint;
  /** Of those, the ones with an expiry. */
  readonly expires: bigint;
  /** Redis' own type names. */
  readonly byType: readonly { readonly type: string; readonly keys: bigint }[];
  /** A beginning that at least 20 of the keys share, up to its first separator; the others are `rest`. Most first. */
  readonly byPrefix: readonly { readonly prefix: string; readonly keys: bigint; readonly type: string }[];
  readonly rest: bigint;
}

/** What one side holds, as its server counted and as it was walked. */
export interface LedgerSide {
  readonly node: string;
  /** As the server counts: those whose time is over among them. */
  readonly keys: bigint;
  /** Keys whose time is over now: nobody can read them any more, wherever they are. */
  readonly expired: bigint;
}

/**
 * Two datasets compared key by key at one moment, in closed servers. Values are compared by the server's own digest, which does not
 * depend on how they are encoded (debug.c:xorObjectDigest).
 */
export interface KeyLedger {
  readonly schema: 'redis-runbook/ledger/1';
  readonly left: LedgerSide;
  readonly right: LedgerSide;
  readonly same: bigint;
  readonly onlyLeft: KeyTally;
  readonly onlyRight: KeyTally;
  /** On both with another type or value. */
  readonly different: KeyTally;
  /** On both with the same value and another expiry. */
  readonly otherExpiry: KeyTally;
  /** Every key was seen once: what was walked adds up to what the servers count. */
  readonly isExact: boolean;
  readonly elapsedMs: number;
}
