/** Where a node keeps its data, and which of it it loads at its next start. */
export interface DataPlace {
  readonly dir: string;
  readonly rdb: string;
  readonly appendonly: boolean;
  readonly appendfilename: string;
  readonly appenddirname: string;
}

/** What a node held when this run asked it to save and to stop, and where: its files must give it once the node is gone. */
export interface HeldBefore {
  /** Empty where the server is older than 4.0. */
  readonly replid: string;
  readonly offset: bigint;
  readonly keys: bigint;
  /** How many of `keys` carry a time to live. */
  readonly expires: bigint;
  readonly place: DataPlace;
}

/** The same as a journal remembers it; undefined where it does not. */
export function heldBeforeIn(found: unknown): HeldBefore | undefined {
  if (!isRecord(found) || !isRecord(found.place)) return undefined;
  const { replid, offset, keys, expires, place } = found;
  const { dir, rdb, appendonly, appendfilename, appenddirname } = place;
  if (typeof replid !== 'string' || typeof offset !== 'bigint') return undefined;
  if (typeof keys !== 'bigint' || typeof expires !== 'bigint') return undefined;
  if (typeof dir !== 'string' || typeof rdb !== 'string' || typeof appendonly !== 'boolean') return undefined;
  if (typeof appendfilename !== 'string' || typeof appenddirname !== 'string') return undefined;
  return { replid, offset, keys, expires, place: { dir, rdb, appendonly, appendfilename, appenddirname } };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
