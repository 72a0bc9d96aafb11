import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketsIn, parseSpan, spanBefore } from '../../src/backup/retention/calendar.js';
import { decideRetention } from '../../src/backup/retention/decide.js';
import type { KeepPolicy, RetentionBackup } from '../../src/model/retention.js';

const empty: KeepPolicy = { buckets: {}, withinBuckets: {}, tags: [] };
const now = new Date('2026-11-23T12:00:00Z');
const options = { now, limitMs: 24 * 3_600_000, timeZone: 'UTC' };

/** One good backup each day at 03:00, the newest today. */
function days(count: number, more: (index: number) => Partial<RetentionBackup> = () => ({})): RetentionBackup[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `D${index}`,
    takenAt: new Date(Date.parse('2026-11-23T03:00:00Z') - index * 86_400_000).toISOString(),
    state: 'good' as const,
    tags: [],
    ...more(index),
  }));
}

const kept = (policy: Partial<KeepPolicy>, backups: readonly RetentionBackup[], more = {}) =>
  decideRetention({ ...empty, ...policy }, backups, { ...options, ...more })
    .rows.filter(({ keep }) => keep)
    .map(({ id }) => id);

const reasonsOf = (policy: Partial<KeepPolicy>, backups: readonly RetentionBackup[]) =>
  Object.fromEntries(
    decideRetention({ ...empty, ...policy }, backups, options).rows.map(({ id, reasons }) => [id, reasons.join(', ')]),
  );

const refusalsOf = (policy: Partial<KeepPolicy>, backups: readonly RetentionBackup[], more = {}) =>
  decideRetention({ ...empty, ...policy }, backups, { ...options, ...more }).refusals.map(({ what }) => what);

describe('what is kept', () => {
  it('is the newest so many', () => {
    expect(kept({ last: 3 }, days(5))).toEqual(['D0', 'D1', 'D2']);
    expect(kept({ last: 'unlimited' }, days(5))).toHaveLength(5);
  });

  it('is the newest of each day, week, month and year, each with its reason', () => {
    const twice = days(3).flatMap((one) => [
      one,
      { ...one, id: `${one.id}b`, takenAt: one.takenAt.replace('T03', 'T01') },
    ]);
    expect(kept({ buckets: { daily: 2 } }, twice)).toEqual(['D0', 'D1']);
    const many = reasonsOf({ last: 1, buckets: { daily: 2, weekly: 2, monthly: 3 } }, days(60));
    expect(many.D0).toBe('newest, last 1, daily 1, weekly 1, monthly 1');
    expect(many.D1).toBe('daily 2, weekly 2');
    expect(many.D23).toBe('monthly 2');
    expect(many.D54).toBe('monthly 3');
    expect(many.D2).toBe('no rule keeps it');
  });

  it('is the oldest while there are fewer than asked for', () => {
    const hours = days(1).flatMap((one) =>
      ['03', '02', '01'].map((hour) => ({ ...one, id: hour, takenAt: one.takenAt.replace('T03', `T${hour}`) })),
    );
    expect(reasonsOf({ buckets: { daily: 7 } }, hours)).toMatchObject({
      '03': 'newest, daily 1',
      '02': 'no rule keeps it',
      '01': 'oldest daily',
    });
  });

  it('is what is within a span of the newest, not of the clock', () => {
    const span = { years: 0, months: 0, days: 2, hours: 0 };
    expect(kept({ within: span }, days(5))).toEqual(['D0', 'D1', 'D2']);
    expect(kept({ within: span }, days(5), { now: new Date('2036-01-01T00:00:00Z') })).toEqual(['D0', 'D1', 'D2']);
    expect(kept({ withinBuckets: { weekly: { ...span, days: 14 } } }, days(30))).toEqual(['D0', 'D1', 'D8']);
  });

  it('is what has a tag or is pinned', () => {
    const tagged = days(6, (index) => (index === 4 ? { tags: ['before-8'] } : index === 5 ? { pinned: '7K3Q' } : {}));
    expect(reasonsOf({ last: 1, tags: ['before-8'] }, tagged)).toMatchObject({
      D4: 'tag before-8',
      D5: 'pinned 7K3Q',
      D3: 'no rule keeps it',
    });
  });

  it('is of a bucket a drilled one before a newer one that was not', () => {
    const two = days(2).flatMap((one) => [
      one,
      { ...one, id: `${one.id}d`, takenAt: one.takenAt.replace('T03', 'T01'), drilledAt: now.toISOString() },
    ]);
    expect(reasonsOf({ buckets: { daily: 2 } }, two)).toEqual({
      D0: 'newest',
      D0d: 'newest drilled, daily 1',
      D1: 'no rule keeps it',
      D1d: 'daily 2',
    });
  });

  it('is the newest good and the newest drilled one, whatever the rules say', () => {
    const drilled = days(9, (index) => (index === 7 ? { drilledAt: now.toISOString() } : {}));
    const plan = reasonsOf({ tags: ['none'] }, drilled);
    expect(plan).toMatchObject({ D0: 'newest', D7: 'newest drilled', D8: 'no rule keeps it' });
  });

  it('counts good ones only; the others are left to people', () => {
    const states = ['bad', 'unknown', 'incomplete', 'good', 'good', 'good'] as const;
    const mixed = days(6, (index) => ({ state: states[index] ?? 'good' }));
    expect(reasonsOf({ last: 2 }, mixed)).toEqual({
      D0: 'bad: left for you to look at',
      D1: 'signed by somebody unknown: left alone',
      D2: 'incomplete: swept 24 h after it was left',
      D3: 'newest, last 1',
      D4: 'last 2',
      D5: 'no rule keeps it',
    });
  });

  it('is not decided by a backup from the future', () => {
    const [first, ...rest] = days(3);
    const future = { ...first, id: 'F', takenAt: '2031-01-01T00:00:00Z' } as RetentionBackup;
    expect(reasonsOf({ last: 1 }, [future, ...rest])).toEqual({
      F: 'its time is in the future: left alone',
      D1: 'newest, last 1',
      D2: 'no rule keeps it',
    });
  });
});

describe('pruning is refused', () => {
  it('without a policy', () => {
    expect(refusalsOf({}, days(3))).toContain('no-policy');
    expect(refusalsOf({ last: 0, buckets: { daily: 0 } }, days(3))).toContain('no-policy');
    expect(refusalsOf({ last: 3 }, days(3))).toEqual([]);
  });
  it('when more than half would go', () => {
    expect(refusalsOf({ last: 2 }, days(4))).toEqual([]);
    expect(refusalsOf({ last: 2 }, days(5))).toEqual(['most-would-go']);
  });
  it('when the newest is older than twice its limit', () => {
    expect(refusalsOf({ last: 9 }, days(3), { now: new Date('2026-11-25T02:59:00Z') })).toEqual([]);
    expect(refusalsOf({ last: 9 }, days(3), { now: new Date('2026-11-25T03:01:00Z') })).toEqual(['newest-too-old']);
  });
  it('when the clock went back, or one that made a backup was ahead', () => {
    expect(refusalsOf({ last: 9 }, days(3), { now: new Date('2026-11-23T02:54:00Z') })).toEqual(['clock']);
    expect(refusalsOf({ last: 9 }, days(3), { now: new Date('2026-11-23T02:56:00Z') })).toEqual([]);
  });
});

describe('the calendar', () => {
  it('has its days in the time zone that was asked for', () => {
    const at = new Date('2026-11-22T16:00:00Z');
    expect(bucketsIn('UTC')(at, 'daily')).toBe('2026-11-22');
    expect(bucketsIn('Asia/Seoul')(at, 'daily')).toBe('2026-11-23');
  });
  it('has ISO weeks at the turn of the year', () => {
    const week = (date: string) => bucketsIn('UTC')(new Date(`${date}T12:00:00Z`), 'weekly');
    expect(['2026-12-31', '2027-01-01', '2027-01-03', '2027-01-04', '2024-12-30', '2021-01-03'].map(week)).toEqual([
      '2026-W53',
      '2026-W53',
      '2026-W53',
      '2027-W01',
      '2025-W01',
      '2020-W53',
    ]);
  });
  it('has the hour twice that comes twice when summer time ends', () => {
    const hour = (at: string) => bucketsIn('Europe/Berlin')(new Date(at), 'hourly');
    expect(hour('2026-10-25T00:30:00Z')).not.toBe(hour('2026-10-25T01:30:00Z'));
    expect(hour('2026-10-25T00:30:00Z').slice(0, 13)).toBe(hour('2026-10-25T01:30:00Z').slice(0, 13));
  });
  it('reads spans in restic words', () => {
    expect(parseSpan('2y5m7d3h')).toEqual({ years: 2, months: 5, days: 7, hours: 3 });
    expect(parseSpan('36h')).toEqual({ years: 0, months: 0, days: 0, hours: 36 });
    for (const wrong of ['', '3', 'h', '3h2d', '-1d', '1.5d', '3w']) expect(parseSpan(wrong), wrong).toBeUndefined();
  });
  it('goes back by months to the last day that a month has', () => {
    const back = (at: string, text: string) =>
      spanBefore(new Date(at), parseSpan(text) ?? { years: 0, months: 0, days: 0, hours: 0 }).toISOString();
    expect(back('2026-03-31T10:00:00Z', '1m')).toBe('2026-02-28T10:00:00.000Z');
    expect(back('2024-02-29T10:00:00Z', '1y')).toBe('2023-02-28T10:00:00.000Z');
    expect(back('2026-01-01T01:00:00Z', '1d2h')).toBe('2025-12-30T23:00:00.000Z');
  });
});

it('whatever there is: the newest good and the newest drilled stay, only good ones go, and what stays would stay again', () => {
  const state = fc.constantFrom('good', 'good', 'good', 'bad', 'unknown', 'incomplete') as fc.Arbitrary<
    RetentionBackup['state']
  >;
  const backup = fc.record({
    minutes: fc.integer({ min: 0, max: 900_000 }),
    state,
    drilled: fc.boolean(),
    pinned: fc.boolean(),
  });
  const count = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined });
  const policy = fc.record({ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count });
  fc.assert(
    fc.property(
      fc.array(backup, { maxLength: 40 }),
      policy,
      fc.constantFrom('UTC', 'Asia/Seoul', 'America/St_Johns'),
      (made, counts, timeZone) => {
        const backups = made.map(
          (one, index): RetentionBackup => ({
            id: `B${index}`,
            takenAt: new Date(now.getTime() - one.minutes * 60_000).toISOString(),
            state: one.state,
            tags: [],
            ...(one.drilled ? { drilledAt: now.toISOString() } : {}),
            ...(one.pinned ? { pinned: 'x' } : {}),
          }),
        );
        const given = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined));
        const { last, ...buckets } = given;
        const said: KeepPolicy = { ...empty, buckets, ...(last === undefined ? {} : { last }) };
        const plan = decideRetention(said, backups, { ...options, timeZone });
        const going = new Set(plan.rows.filter(({ keep }) => !keep).map(({ id }) => id));
        const good = backups.filter((one) => one.state === 'good').sort((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
        for (const one of backups) if (going.has(one.id)) expect([one.state, one.pinned]).toEqual(['good', undefined]);
        const newest = good.filter(({ takenAt }) => takenAt === good[0]?.takenAt);
        if (newest.length > 0) expect(newest.some(({ id }) => !going.has(id))).toBe(true);
        const drilled = good.filter(({ drilledAt }) => drilledAt !== undefined);
        if (drilled.length > 0)
          expect(drilled.some(({ id, takenAt }) => !going.has(id) && takenAt === drilled[0]?.takenAt)).toBe(true);
        expect(plan.rows.every(({ reasons }) => reasons.length > 0)).toBe(true);
        const left = backups.filter(({ id }) => !going.has(id));
        const again = decideRetention(said, left, { ...options, timeZone });
        expect(again.rows.filter(({ keep }) => !keep)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
