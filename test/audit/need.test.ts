import { describe, expect, it } from 'vitest';
import { each, every, ifThere, orNone, together, where } from '../../src/audit/need.js';
import { defineRule } from '../../src/audit/rule.js';
import { numberOf, wordOf } from '../../src/audit/settings.js';
import { targetOf } from '../../src/audit/target.js';
import type { FleetView, GroupView, Setting } from '../../src/audit/view.js';
import type { NotSeen, Seen, WhyNot } from '../../src/model/seen.js';

const from = { host: 'r1', source: 'test' };
const ok = <T>(value: T): Seen<T> => ({ ok: true, value, from, at: '' });
const not = (why: WhyNot): NotSeen => ({ ok: false, why, detail: `it is ${why}`, from, at: '' });

const target = targetOf('redis', { major: 7, minor: 0, patch: 15 });
const group: GroupView = { name: 'shop', target, declared: true, hosts: [], redis: [], sentinels: [] };
const fleet: FleetView = {
  fleet: 'shop',
  from: 'files',
  at: '',
  targetAssumed: false,
  shownAs: (_node, file) => file,
  hosts: [],
  groups: [group],
};

/** What a rule answers that needs `needs` and whose check says `problems`. */
function answerOf(needs: Parameters<typeof defineRule>[0]['needs'], problems: (ready: unknown) => number = () => 0) {
  const rule = defineRule({
    id: 'a-rule',
    class: 'failover',
    severity: 'error',
    scope: 'cross-node',
    title: 't',
    rationale: 'r',
    source: 's',
    fix: 'f',
    fixtures: { fails: '', nearMiss: '' },
    needs: () => needs({} as never),
    check: (ready) => Array.from({ length: problems(ready) }, () => ({ message: 'is wrong' })),
  });
  return rule.ask(fleet, 'production')[0]?.outcome;
}

describe('a rule', () => {
  it('passes only when everything that it needs was seen', () => {
    expect(answerOf(() => ({ a: ok(1), b: ok(2) }))).toEqual({ outcome: 'pass' });
    for (const why of ['absent', 'denied', 'timeout', 'refused', 'too-large', 'unparseable', 'not-asked'] as const) {
      expect(answerOf(() => ({ a: ok(1), b: not(why) }))).toEqual({ outcome: 'not-checked', missing: [not(why)] });
    }
  });

  it('that asks for nothing, or throws, has not checked', () => {
    expect(answerOf(() => ({}))?.outcome).toBe('not-checked');
    const throws = () => {
      throw new Error('hostile value');
    };
    expect(answerOf(() => ({ a: ok(1) }), throws)).toMatchObject({
      outcome: 'not-checked',
      missing: [{ why: 'unparseable', detail: 'hostile value' }],
    });
  });

  it('is not applicable to an empty list, whichever way it is asked for', () => {
    expect(answerOf(() => ({ all: every([], 'sentinel') }))?.outcome).toBe('not-applicable');
    expect(answerOf(() => ({ all: each([], 'sentinel') }))?.outcome).toBe('not-applicable');
    expect(answerOf(() => ({ all: each([ok(1)], 'nodes', 2) }))?.outcome).toBe('not-applicable');
  });

  it('that needs every one is not checked when one is missing, and is not called', () => {
    const called = () => 1;
    expect(answerOf(() => ({ all: every([ok(1), not('timeout')], 'node') }), called)?.outcome).toBe('not-checked');
  });

  it('that takes each one fails on what was seen, names the missing one, and never passes without it', () => {
    const needs = () => ({ some: each([ok(1), not('timeout')], 'node') });
    expect(answerOf(needs, () => 1)).toMatchObject({ outcome: 'fail', missing: [{ why: 'timeout' }] });
    expect(answerOf(needs)).toMatchObject({ outcome: 'not-checked', missing: [{ why: 'timeout' }] });
    const pair = () => ({ some: each([ok(1), not('timeout')], 'nodes', 2) });
    expect(answerOf(pair, () => 1)?.outcome).toBe('not-checked');
  });

  it('knows absence only where it said so', () => {
    expect(answerOf(() => ({ a: ifThere(not('absent')) }))?.outcome).toBe('not-applicable');
    expect(answerOf(() => ({ a: ifThere(not('denied')) }))?.outcome).toBe('not-checked');
    expect(answerOf(() => ({ a: orNone(not('absent')) }))?.outcome).toBe('pass');
    expect(answerOf(() => ({ a: orNone(not('timeout')) }))?.outcome).toBe('not-checked');
    expect(answerOf(() => ({ a: where(ok(1), (one) => one > 1, 'small') }))).toEqual({
      outcome: 'not-applicable',
      reason: 'small',
    });
    expect(answerOf(() => ({ a: where(not('denied'), () => false, 'small') }))?.outcome).toBe('not-checked');
  });

  it('gets several readings as one, or what is missing of them', () => {
    expect(together({ a: ok(1), b: ok('x') })).toMatchObject({ ok: true, value: { a: 1, b: 'x' } });
    expect(together({ a: ok(1), b: not('denied') })).toEqual(not('denied'));
  });
});

describe('a setting', () => {
  const setting = (...words: readonly string[]): Setting => ({
    node: { kind: 'redis', id: 'r1', host: 'r1', address: '', port: 6379, main: 'redis.conf' },
    name: 'maxmemory',
    line: undefined,
    words,
  });

  it('is its word, or the default', () => {
    expect(wordOf(setting('noeviction'), 'other')).toBe('noeviction');
    expect(wordOf(setting(), 'other')).toBe('other');
  });

  it('is a number only when the whole word is one', () => {
    expect(numberOf(setting('60'), 1)).toBe(60);
    expect(numberOf(setting(), 1)).toBe(1);
    expect(numberOf(setting('5s'), 1)).toBeNaN();
  });
});
