import { describe, expect, it } from 'vitest';
import { errorJson, errorText } from '../../src/cli/print-error.js';
import { RunbookError } from '../../src/errors.js';

describe('an error on the terminal', () => {
  it('looks like the screens: message and word, facts, Next', () => {
    const error = new RunbookError('locked', 'jisoo is recovering stn-master right now.', {
      facts: ['who        jisoo@bastion-2, run 7K3Q recover-cold', 'doing      stage 6 START, waiting for pv3'],
      next: ['redis-runbook status                    looking is never locked'],
    });
    expect(errorText(error)).toBe(
      [
        'redis-runbook: jisoo is recovering stn-master right now.              [locked]',
        '',
        '  who        jisoo@bastion-2, run 7K3Q recover-cold',
        '  doing      stage 6 START, waiting for pv3',
        '',
        'Next:',
        '  redis-runbook status                    looking is never locked',
        '',
      ].join('\n'),
    );
  });

  it('stays within 80 columns and keeps the word', () => {
    const lines = errorText(new RunbookError('split', 'word '.repeat(60), { facts: ['fact '.repeat(40)] })).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.some((line) => line.endsWith('[split]'))).toBe(true);
  });

  it('writes out what would move the cursor or turn text round', () => {
    const hostile = 'a\u001b[2Jb\rc\u202ed\u009be\u200bf\ng';
    const text = errorText(new RunbookError('blocked', hostile, { facts: [hostile], next: [hostile] }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e]/);
    expect(text.split('\\x1b[2J').length).toBe(4);
  });

  it('is one JSON document with the same words', () => {
    const error = new RunbookError('changed', 'it changed.', { facts: ['a'], next: ['b'] });
    expect(JSON.parse(errorJson(error))).toEqual({
      schema: 'redis-runbook/error/1',
      error: { code: 'changed', exit: 5, message: 'it changed.', facts: ['a'], next: ['b'] },
    });
  });
});
