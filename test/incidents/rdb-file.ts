import { rdbOf } from '../redis/rdb-bytes.js';
import { day, seconds } from './places.js';

/** An RDB file as its header and its keys tell it. */
export interface RdbFile {
  /** Of the format: 6 for 2.8, 7 for 3.2, 8 for 4.0, 9 for 5.0 to 6.2, 10 for 7.0, 11 for 7.2 and Valkey 8, 12 for 7.4 and 8.0. */
  readonly version: number;
  /** `repl-id` and `repl-offset`; left out where the writer had no backlog, or no ids yet. */
  readonly replid?: string;
  readonly offset?: number;
  readonly keys: number;
  /** When it was written, `HH:MM:SS`. */
  readonly at: string;
  /** The base of an AOF. */
  readonly base?: true;
  /** So many bytes of its end are missing. */
  readonly cutBytes?: number;
}

/** The bytes of that file, with the right checksum. */
export function rdbBytes({ version, replid, offset, keys, at, base, cutBytes = 0 }: RdbFile): Uint8Array {
  const seen = (name: string, value: string) => [0xfa, name, value] as const;
  const header = [
    ...(version >= 7 ? [seen('ctime', String(Math.floor(day / 1000) + seconds(at)))] : []),
    ...(replid === undefined ? [] : [seen('repl-stream-db', '0'), seen('repl-id', replid)]),
    ...(offset === undefined ? [] : [seen('repl-offset', String(offset))]),
    ...(base ? [seen('aof-base', '1')] : []),
  ];
  const body = Array.from({ length: keys }, (_, index) => [0, `key:${index}`, 'value'] as const);
  const sizes = version >= 7 ? [0xfb, keys, 0] : [];
  const bytes = rdbOf(version, ...header, ...(keys > 0 ? [[0xfe, 0], sizes, ...body] : []));
  return bytes.slice(0, bytes.length - cutBytes);
}
