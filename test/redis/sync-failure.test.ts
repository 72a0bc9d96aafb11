import { expect, test } from 'vitest';
import { syncFailure } from '../../src/redis/sync-failure.js';

const time = '22 Nov 2026 04:02:46.957';
const full =
  'Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: No space left on device';

/** A try that fails, as Redis 7.0.15 logs it. */
const tried = (pid: number, why = full) => [
  `${pid}:S ${time} * Connecting to MASTER 127.0.0.1:6379`,
  `${pid}:S ${time} * MASTER <-> REPLICA sync started`,
  `${pid}:S ${time} # ${why}`,
  `${pid}:S ${time} * Reconnecting to MASTER 127.0.0.1:6379 after failure`,
];
const log = (...lines: readonly (readonly string[])[]) => lines.flat().join('\n');

test('the same failure three times is what the replica cannot get over', () => {
  expect(syncFailure(log(tried(83), tried(83), tried(83)), 83)).toBe(full.slice(full.indexOf('needed')));
  const auth = '-ERR invalid password';
  const refused = log(...[1, 2, 3].map(() => tried(83, `Unable to AUTH to MASTER: ${auth}`)));
  expect(syncFailure(refused, 83)).toBe(`Unable to AUTH to MASTER: ${auth}`);
  const old = [1, 2, 3].map(
    () => `[83] 22 Nov 04:02:46.957 # Opening the temp file needed for MASTER <-> SLAVE synchronization: No such file`,
  );
  expect(syncFailure(old.join('\n'), 83)).toContain('No such file');
});

test('fewer, others, another process, or a copy since are not', () => {
  expect(syncFailure(log(tried(83), tried(83)), 83)).toBeUndefined();
  expect(
    syncFailure(log(tried(83), tried(83), tried(83, 'Error condition on socket for SYNC: Connection refused')), 83),
  ).toBeUndefined();
  expect(syncFailure(log(tried(82), tried(82), tried(82), tried(83)), 83)).toBeUndefined();
  expect(syncFailure(log(tried(8), tried(8), tried(8)), 83)).toBeUndefined();
  const done = [`83:S ${time} * MASTER <-> REPLICA sync: Finished with success`];
  expect(syncFailure(log(tried(83), tried(83), tried(83), done, tried(83)), 83)).toBeUndefined();
  expect(syncFailure('', 83)).toBeUndefined();
});

test('nothing of it moves a terminal', () => {
  const line = `Unable to AUTH to MASTER: \u001b[2J${'x'.repeat(999)}`;
  const said = syncFailure(log(tried(83, line), tried(83, line), tried(83, line)), 83) ?? '';
  expect(said).toMatch(/^[\x20-\x7e]{1,300}$/);
});
