import { expect, test } from 'vitest';
import { turnsOf } from '../../src/backup/take/turns.js';

const never = new AbortController().signal;

/** Work that ends when it is told to, and says when it began. */
function work() {
  let end: (() => void) | undefined;
  let hasBegun = false;
  const until = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = async () => {
    hasBegun = true;
    await until;
    return 'done';
  };
  return { run, hasBegun: () => hasBegun, end: () => end?.() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('one snapshot at a time on a machine; another machine waits for nobody', async () => {
  const turns = turnsOf(2);
  const [first, second, other] = [work(), work(), work()];
  const waits: string[] = [];
  const one = turns.onHost('a', never, first.run, () => waits.push('first'));
  const two = turns.onHost('a', never, second.run, () => waits.push('second'));
  const three = turns.onHost('b', never, other.run, () => waits.push('other'));
  await settled();
  expect([first.hasBegun(), second.hasBegun(), other.hasBegun()]).toEqual([true, false, true]);
  expect(waits).toEqual(['second']);
  first.end();
  expect(await one).toBe('done');
  await settled();
  expect(second.hasBegun()).toBe(true);
  second.end();
  other.end();
  expect(await Promise.all([two, three])).toEqual(['done', 'done']);
});

test('so many at once keep this machine busy, and one that fails makes room', async () => {
  const turns = turnsOf(2);
  const [first, third] = [work(), work()];
  const failing = turns.here(never, async () => {
    await settled();
    throw new Error('the disk is full');
  });
  const one = turns.here(never, first.run);
  const three = turns.here(never, third.run);
  expect(third.hasBegun()).toBe(false);
  await expect(failing).rejects.toThrow('the disk is full');
  await settled();
  expect([first.hasBegun(), third.hasBegun()]).toEqual([true, true]);
  first.end();
  third.end();
  expect(await Promise.all([one, three])).toEqual(['done', 'done']);
});

test('whoever leaves the line is not begun, and stands in nobody’s way', async () => {
  const turns = turnsOf(1);
  const [first, left, last] = [work(), work(), work()];
  const leaving = new AbortController();
  const one = turns.here(never, first.run);
  const two = turns.here(leaving.signal, left.run);
  const three = turns.here(never, last.run);
  leaving.abort(new Error('enough'));
  await expect(two).rejects.toThrow('enough');
  first.end();
  await one;
  await settled();
  expect([left.hasBegun(), last.hasBegun()]).toEqual([false, true]);
  last.end();
  expect(await three).toBe('done');
});
