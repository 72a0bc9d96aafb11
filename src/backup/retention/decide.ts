import {
  type KeepBucket,
  type KeepCount,
  type KeepPolicy,
  keepBuckets,
  type RetentionBackup,
  type RetentionPlan,
  type RetentionRefusal,
  type RetentionRow,
} from '../../model/retention.js';
import { bucketsIn, spanBefore } from './calendar.js';

/** A clock that is this much behind another is no reason to refuse. */
const clockToleranceMs = 5 * 60_000;

export interface RetentionOptions {
  readonly now: Date;
  /** How old the newest good backup of the group may be. */
  readonly limitMs: number;
  /** In which buckets begin and end: `UTC`, `Asia/Seoul`. */
  readonly timeZone: string;
}

/**
 * What of one group's backups stays and what may go, with a reason for each, in restic's words: rules joined by or,
 * calendar buckets, the newest of a bucket, a drilled one before others. Only good backups count and only they may go:
 * bad ones, those of unknown signers and those from the future are left to people. The newest good one and the newest
 * drilled one always stay. `refusals` is not empty when nothing should be removed at all.
 */
export function decideRetention(
  policy: KeepPolicy,
  backups: readonly RetentionBackup[],
  options: RetentionOptions,
): RetentionPlan {
  const newestFirst = [...backups].sort(
    (a, b) => Date.parse(b.takenAt) - Date.parse(a.takenAt) || (a.id < b.id ? 1 : -1),
  );
  const inFuture = (one: RetentionBackup) => Date.parse(one.takenAt) > options.now.getTime() + clockToleranceMs;
  const counted = newestFirst.filter((one) => one.state === 'good' && !inFuture(one));
  const reasons = new Map<string, string[]>(newestFirst.map(({ id }) => [id, []]));
  const keep = (one: RetentionBackup, why: string) => void reasons.get(one.id)?.push(why);

  keepAlways(counted, keep);
  keepCounted(
    policy.last,
    counted.map((one) => ({ one })),
    'last',
    keep,
  );
  for (const bucket of keepBuckets) keepBucket(policy, bucket, counted, bucketsIn(options.timeZone), keep);
  keepSpanAndTags(policy, counted, keep);

  const rows = newestFirst.map((one): RetentionRow => {
    const left = leftAlone(one, inFuture(one));
    const why = reasons.get(one.id) ?? [];
    if (left !== undefined) return { id: one.id, keep: true, reasons: [left] };
    return why.length > 0
      ? { id: one.id, keep: true, reasons: why }
      : { id: one.id, keep: false, reasons: ['no rule keeps it'] };
  });
  return { rows, refusals: refusals(policy, rows, counted, newestFirst.some(inFuture), options) };
}

type Keep = (one: RetentionBackup, why: string) => void;

function keepAlways(counted: readonly RetentionBackup[], keep: Keep): void {
  const [newest] = counted;
  const drilled = counted.find(({ drilledAt }) => drilledAt !== undefined);
  if (newest !== undefined) keep(newest, 'newest');
  if (drilled !== undefined) keep(drilled, 'newest drilled');
  for (const one of counted) if (one.pinned !== undefined) keep(one, `pinned ${one.pinned}`.trim());
}

function leftAlone(one: RetentionBackup, inFuture: boolean): string | undefined {
  switch (one.state) {
    case 'incomplete':
      return 'incomplete: swept 24 h after it was left';
    case 'bad':
      return 'bad: left for you to look at';
    case 'unknown':
      return 'signed by somebody unknown: left alone';
    case 'good':
      return inFuture ? 'its time is in the future: left alone' : undefined;
  }
}

function keepCounted(
  limit: KeepCount | undefined,
  chosen: readonly { readonly one: RetentionBackup }[],
  word: string,
  keep: Keep,
): void {
  const most = limit === 'unlimited' ? chosen.length : (limit ?? 0);
  for (const [index, { one }] of chosen.slice(0, most).entries()) keep(one, `${word} ${index + 1}`);
}

function keepBucket(
  policy: KeepPolicy,
  bucket: KeepBucket,
  counted: readonly RetentionBackup[],
  nameOf: (at: Date, bucket: KeepBucket) => string,
  keep: Keep,
): void {
  const limit = policy.buckets[bucket];
  const span = policy.withinBuckets[bucket];
  if (limit === undefined && span === undefined) return;
  const chosen = bestOfEach(counted, (one) => nameOf(new Date(one.takenAt), bucket));
  keepCounted(limit, chosen, bucket, keep);
  const oldest = counted.at(-1);
  // As restic: while there are fewer buckets than asked for, the oldest backup stands for those before it.
  const isShort = typeof limit === 'number' && chosen.length < limit;
  if (oldest !== undefined && isShort && !chosen.some(({ one }) => one === oldest)) keep(oldest, `oldest ${bucket}`);
  const [newest] = counted;
  if (span === undefined || newest === undefined) return;
  const from = spanBefore(new Date(newest.takenAt), span).getTime();
  for (const { one } of chosen) if (Date.parse(one.takenAt) >= from) keep(one, `within ${bucket}`);
}

/** Of each bucket the newest drilled backup, or the newest; buckets newest first. */
function bestOfEach(
  counted: readonly RetentionBackup[],
  nameOf: (one: RetentionBackup) => string,
): readonly { readonly one: RetentionBackup }[] {
  const best = new Map<string, RetentionBackup>();
  for (const one of counted) {
    const name = nameOf(one);
    const there = best.get(name);
    if (there === undefined || (there.drilledAt === undefined && one.drilledAt !== undefined)) best.set(name, one);
  }
  return [...best.values()].map((one) => ({ one }));
}

function keepSpanAndTags(policy: KeepPolicy, counted: readonly RetentionBackup[], keep: Keep): void {
  const [newest] = counted;
  if (newest !== undefined && policy.within !== undefined) {
    const from = spanBefore(new Date(newest.takenAt), policy.within).getTime();
    for (const one of counted) if (Date.parse(one.takenAt) >= from) keep(one, 'within');
  }
  for (const one of counted) {
    const tag = policy.tags.find((each) => one.tags.includes(each));
    if (tag !== undefined) keep(one, `tag ${tag}`);
  }
}

/** Whether a policy keeps nothing: then nothing may be removed either. */
export function isEmptyPolicy({ last, buckets, within, withinBuckets, tags }: KeepPolicy): boolean {
  const counts = [last, ...Object.values(buckets)].some((count) => count !== undefined && count !== 0);
  return !counts && within === undefined && Object.keys(withinBuckets).length === 0 && tags.length === 0;
}

function refusals(
  policy: KeepPolicy,
  rows: readonly RetentionRow[],
  counted: readonly RetentionBackup[],
  future: boolean,
  { now, limitMs }: RetentionOptions,
): readonly RetentionRefusal[] {
  const found: RetentionRefusal[] = [];
  if (isEmptyPolicy(policy))
    found.push({ what: 'no-policy', text: 'fleet.yaml does not say what to keep (backup.keep)' });
  if (future)
    found.push({ what: 'clock', text: 'a backup is from the future: this clock, or the one that made it, is wrong' });
  const going = rows.filter(({ keep }) => !keep).length;
  if (going * 2 > counted.length) {
    found.push({ what: 'most-would-go', text: `${going} of ${counted.length} good backups would go: more than half` });
  }
  const [newest] = counted;
  if (newest !== undefined && now.getTime() - Date.parse(newest.takenAt) > 2 * limitMs) {
    found.push({
      what: 'newest-too-old',
      text: 'the newest good backup is older than twice its limit: either backups have stopped or this clock is wrong',
    });
  }
  return found;
}
