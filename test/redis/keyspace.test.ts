import { describe, expect, it } from 'vitest';
import { parseInfo } from '../../src/redis/info.js';
import { comparedWith, keyspaceOf } from '../../src/redis/keyspace.js';

const row = (database: number, keys: bigint, expires: bigint) => ({ database, keys, expires });

describe('keys of a node against what was counted before', () => {
  it('reads INFO keyspace', () => {
    const info = parseInfo('# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=9\r\ndb15:keys=1,expires=0,avg_ttl=0\r\n');
    expect(keyspaceOf(info)).toEqual([row(0, 12n, 3n), row(15, 1n, 0n)]);
  });

  it.each([
    ['the same', [row(0, 5n, 2n)], [row(0, 5n, 2n)], true, '5 keys, as in the backup'],
    ['some have ended', [row(0, 5n, 2n)], [row(0, 4n, 1n)], true, "4 keys; 1 of the backup's 5 have ended"],
    ['a database whose keys have all ended', [row(0, 5n, 0n), row(3, 2n, 2n)], [row(0, 5n, 0n)], true, '2 of the'],
    ['nothing on both sides', [], [], true, '0 keys'],
    ['a key too few', [row(0, 5n, 2n)], [row(0, 4n, 2n)], false, 'database 0 has 4 keys (2 with'],
    ['a key too many', [row(0, 5n, 2n)], [row(0, 6n, 2n)], false, 'database 0'],
    ['one with a time to live too many', [row(0, 5n, 2n)], [row(0, 6n, 3n)], false, 'database 0'],
    ['a time to live that is gone', [row(0, 5n, 2n)], [row(0, 5n, 1n)], false, 'database 0'],
    ['in another database', [row(0, 5n, 0n)], [row(1, 5n, 0n)], false, 'database 1 has 5 keys'],
    ['empty', [row(0, 5n, 1n)], [], false, 'database 0 has 0 keys'],
  ])('%s', (_, counted, held, same, says) => {
    const compared = comparedWith(counted, held);
    expect(compared.same).toBe(same);
    expect(compared.says).toContain(says);
  });
});
