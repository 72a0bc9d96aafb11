import { expect, test } from 'vitest';
import { mayWrite } from '../../src/redis/reading-commands.js';

test.each([
  // Redis 8.0 names its vector sets without a dot, and later versions add commands that no table of ours has.
  ['vadd', true],
  ['vrem', true],
  ['msetex', true],
  ['json.set', true],
  ['debug', true],
  ['xgroup', true],
  ['xgroup|create', true],
  ['function|load', true],
  ['FUNCTION|LIST', false],
  ['client|setname', false],
  ['config|resetstat', false],
  ['eval', false],
  ['vsim', false],
  ['host:', false],
])('a call of %s may have written: %s', (name, may) => {
  expect(mayWrite(name)).toBe(may);
});
