import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { loadSurvey, saveSurvey } from '../../src/survey/saved.js';
import { answer, file, hostEntry, inventory, rawHost, redisNode, seen, server, unseen } from './raws.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'saved-survey-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const raws = [
  rawHost({
    processes: seen([server()]),
    files: [file('redis.conf', '/etc/redis/redis.conf', { text: 'port 6379\n' }), file('rdb', '/d', 'denied')],
    answers: [
      answer('pv1', 'ROLE', ['master', '12', []]),
      answer('pv1', 'X', { error: 'ERR' }),
      answer('pv1', 'Y', null),
    ],
  }),
  rawHost({ host: 'pv2', reached: unseen('timeout', 'no route'), processes: unseen('timeout') }),
];
const fleet = inventory([hostEntry([redisNode()])]);

async function mistakeOf(text: string): Promise<string> {
  const path = join(directory, 'bad.json');
  await writeFile(path, text);
  const error = await loadSurvey(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RunbookError);
  expect(error).toMatchObject({ word: 'survey-file', exit: 2 });
  return error instanceof Error ? error.message : '';
}

describe('a saved survey', () => {
  it('comes back as it was, sizes as bigint', async () => {
    const path = join(directory, 'survey.json');
    await saveSurvey(path, raws, fleet);
    expect(await loadSurvey(path)).toEqual({ inventory: fleet, raws });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['survey.json']);
  });

  it('holds no secret of a start command or a password command', async () => {
    const secret = 'not-for-eyes';
    const path = join(directory, 'survey.json');
    const node = redisNode({
      start: ['redis-server', '/etc/redis/redis.conf', '--requirepass', secret],
      password: { from: 'command', argv: ['echo', secret] },
    });
    const withSecrets = {
      ...inventory([hostEntry([node])]),
      password: { from: 'command' as const, argv: ['pass', secret] },
    };
    await saveSurvey(path, raws, withSecrets);
    expect(await readFile(path, 'utf8')).not.toContain(secret);
    expect((await loadSurvey(path)).inventory.password).toEqual({ from: 'command', argv: ['pass'] });
  });

  it('is refused with the place of the mistake', async () => {
    const good = join(directory, 'survey.json');
    await saveSurvey(good, raws, fleet);
    const text = await readFile(good, 'utf8');
    expect(await mistakeOf('{"schema":')).toContain('is no JSON');
    expect(await mistakeOf('[]')).toContain('redis-runbook/raw-survey/1');
    expect(await mistakeOf(text.replace('raw-survey/1', 'raw-survey/2'))).toContain('schema');
    expect(await mistakeOf(text.replace('"sizeBytes":"10"', '"sizeBytes":"ten"'))).toContain('hosts.0.files.0.stat');
    expect(await mistakeOf(text.replace('"why":"denied"', '"why":"maybe"'))).toContain('hosts.0.files.1');
  });

  it('says so when the file is not there or cannot be written', async () => {
    await expect(loadSurvey(join(directory, 'none.json'))).rejects.toMatchObject({ word: 'survey-file' });
    await expect(saveSurvey(join(directory, 'no', 'x.json'), raws, fleet)).rejects.toMatchObject({
      word: 'survey-file',
    });
  });
});
