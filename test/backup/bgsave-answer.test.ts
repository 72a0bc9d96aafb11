import { describe, expect, it } from 'vitest';
import { readBgsaveAnswer, saveTrouble } from '../../src/backup/take/bgsave-answer.js';

describe('an answer to BGSAVE', () => {
  it.each<[string | { error: string }, string]>([
    ['Background saving started', 'started'],
    ['Background saving scheduled', 'scheduled'],
    [{ error: 'ERR Background save already in progress' }, 'busy'],
    // 6.0
    [
      {
        error:
          "ERR An AOF log rewriting in progress: can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
      },
      'busy',
    ],
    // 7.0
    [
      {
        error:
          "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
      },
      'busy',
    ],
    [{ error: 'LOADING Redis is loading the dataset in memory' }, 'busy'],
    [{ error: 'BUSY Redis is busy running a script.' }, 'busy'],
    [{ error: 'ERR' }, 'refused'],
    [{ error: "ERR unknown command 'BGSAVE', with args beginning with: " }, 'refused'],
    [{ error: "NOPERM this user has no permissions to run the 'bgsave' command" }, 'refused'],
  ])('%j means %s', (answer, means) => {
    expect(readBgsaveAnswer(answer).means).toBe(means);
  });

  it('that is a bare error is a fork that failed', () => {
    expect(readBgsaveAnswer({ error: 'ERR ' })).toMatchObject({ why: expect.stringContaining('could not fork') });
  });
});

describe('a snapshot that was waited for', () => {
  const info = (fields: Record<string, string>) => new Map(Object.entries({ rdb_last_bgsave_status: 'ok', ...fields }));

  it.each<[string, Record<string, string>, Record<string, string>, string | undefined]>([
    ['counted once more', { rdb_saves: '4' }, { rdb_saves: '5' }, undefined],
    ['not counted', { rdb_saves: '4' }, { rdb_saves: '4' }, 'vanished'],
    ['failed', { rdb_saves: '4' }, { rdb_saves: '4', rdb_last_bgsave_status: 'err' }, 'failed'],
    [
      'without a result, after one that failed',
      { rdb_saves: '4', rdb_last_bgsave_status: 'err' },
      { rdb_saves: '4', rdb_last_bgsave_status: 'err' },
      'vanished',
    ],
    ['later than the one before (6.2)', { rdb_last_save_time: '100' }, { rdb_last_save_time: '101' }, undefined],
    ['of the same second (6.2)', { rdb_last_save_time: '100' }, { rdb_last_save_time: '100' }, 'vanished'],
    [
      'counted on 7.0 whatever the seconds say',
      { rdb_saves: '4', rdb_last_save_time: '9' },
      { rdb_saves: '5', rdb_last_save_time: '9' },
      undefined,
    ],
  ])('%s', (_, before, after, trouble) => {
    expect(saveTrouble(info(before), info(after))).toBe(trouble);
  });
});
