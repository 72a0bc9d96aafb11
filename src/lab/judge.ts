import type { RecordLine, WriteLine } from './record.js';

/** Writes that a verdict named beforehand as set aside or on no disk. */
export interface NotExpected {
  /** The node that took the writes; absent = any node. */
  readonly node?: string;
  /** From this moment on, milliseconds since the epoch; absent = all. */
  readonly sinceMs?: number;
  /** From this write on, and before that one; absent = from the first, to the last. */
  readonly fromSeq?: number;
  readonly beforeSeq?: number;
  /** To hold it is as wrong as to lack another: it is data that was set aside, or deleted. */
  readonly never?: true;
  readonly why: string;
}

export interface ExcusedWrite {
  readonly seq: number;
  readonly node: string;
  readonly key: string;
  readonly why: string;
}

export interface WritesChecked {
  /** Writes that had to be there. */
  readonly expected: number;
  /** Expected writes whose key is gone or holds something older. */
  readonly missing: readonly WriteLine[];
  /** Keys that hold something that was never sent, or that this data set was never to hold. */
  readonly extra: readonly string[];
  /** Absent writes that a verdict had named. */
  readonly excused: readonly ExcusedWrite[];
  /** Absent writes that nobody had a right to expect: not acknowledged, or too young at a crash and not waited for. */
  readonly unpromised: number;
}

/** Redis syncs an `appendfsync everysec` file up to two seconds late (aof.c:flushAppendOnlyFile). */
const SETTLED_MS = 2000;

/**
 * Compares what a master holds (key → sha256 of the value) with the record. A write is expected when it was
 * acknowledged and either no crash of its node followed, or WAIT counted a replica, or it was older than two seconds at that crash.
 * A key that was overwritten is judged by its latest value: a later one that was sent is as good.
 */
export function judgeWrites(
  record: readonly RecordLine[],
  held: ReadonlyMap<string, string>,
  notExpected: readonly NotExpected[],
): WritesChecked {
  const missing: WriteLine[] = [];
  const excused: ExcusedWrite[] = [];
  const extra = new Set(held.keys());
  let expected = 0;
  let unpromised = 0;
  for (const [key, writes] of byKey(record)) {
    const last = writes.findLastIndex((write) => write.sha256 === held.get(key));
    const found = writes[last];
    const isNever = found !== undefined && notExpected.some((one) => one.never === true && covers(one, found));
    if (last >= 0 && !isNever) extra.delete(key);
    writes.forEach((write, i) => {
      const excuse = notExpected.find((one) => covers(one, write));
      const promised = isPromised(write, record);
      if (promised && excuse === undefined) expected++;
      if (i <= last) return;
      if (!promised) unpromised++;
      else if (excuse === undefined) missing.push(write);
      else excused.push({ seq: write.seq, node: write.node, key, why: excuse.why });
    });
  }
  return { expected, missing, extra: [...extra], excused, unpromised };
}

/** What the record says that the data of `holder` lacks, by the lab's own hand. */
export function lackedBy(record: readonly RecordLine[], holder: string): readonly NotExpected[] {
  return record.flatMap((line) => {
    if (line.type !== 'lacks' || line.holder !== holder) return [];
    const { type: _type, holder: _holder, ...what } = line;
    return [{ ...what, never: true as const }];
  });
}

/** Whether the write had to survive by the promise that Redis gives. */
function isPromised(write: WriteLine, record: readonly RecordLine[]): boolean {
  if (!write.acknowledged) return false;
  if ((write.waited ?? 0) >= 1) return true;
  const end = record.find((line) => line.type === 'off' && line.node === write.node && line.at >= write.sentAt);
  if (end === undefined || end.type !== 'off' || end.how === 'clean') return true;
  return (write.ackedAt ?? write.sentAt) < end.at - SETTLED_MS;
}

function covers(one: NotExpected, write: WriteLine): boolean {
  if (one.node !== undefined && one.node !== write.node) return false;
  if (one.fromSeq !== undefined && write.seq < one.fromSeq) return false;
  if (one.beforeSeq !== undefined && write.seq >= one.beforeSeq) return false;
  return one.sinceMs === undefined || write.sentAt >= one.sinceMs;
}

function byKey(record: readonly RecordLine[]): ReadonlyMap<string, readonly WriteLine[]> {
  const keys = new Map<string, WriteLine[]>();
  for (const line of record) {
    if (line.type !== 'write') continue;
    const writes = keys.get(line.key);
    if (writes === undefined) keys.set(line.key, [line]);
    else writes.push(line);
  }
  return keys;
}

/** The comparison in words: the counts first, and every write that is missing, extra or excused by name. */
export function writesText(checked: WritesChecked): readonly string[] {
  const named = (items: readonly Pick<WriteLine, 'seq' | 'key' | 'node'>[]) =>
    items.map((item) => `  ${item.seq} ${item.key} (${item.node})`);
  return [
    `Of ${checked.expected} writes that had to be there: missing ${checked.missing.length}, extra ${checked.extra.length}.`,
    ...named(checked.missing),
    ...checked.extra.map((key) => `  never sent, or set aside: ${key}`),
    `Named by the verdict and not there: ${checked.excused.length}.`,
    ...named(checked.excused),
    `Not there and never promised: ${checked.unpromised}.`,
  ];
}
