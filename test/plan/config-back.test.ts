import { describe, expect, it } from 'vitest';
import { configBack } from '../../src/plan/config-back.js';
import { redactConfig } from '../../src/redis/secrets.js';

const now = `port 6379
requirepass geheim
maxmemory 2gb
save 900 1
appendonly yes
replicaof 10.0.0.1 6379
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 1 1 1
`;
const then = `port 6380
requirepass anders
maxmemory 4gb
maxmemory-policy allkeys-lru
appendonly no
client-output-buffer-limit normal 9 9 9
`;

describe('a redis.conf of a backup against the one that is there', () => {
  it('brings single directives back, and leaves role, data, reach, lists and secrets to a person', () => {
    const back = configBack(now, redactConfig(then).text);
    expect(back.changes).toEqual(['-maxmemory 2gb', '-save 900 1', '+maxmemory 4gb', '+maxmemory-policy allkeys-lru']);
    expect(back.intent).toEqual({
      kind: 'redis.conf',
      set: [
        { directive: 'maxmemory', value: ['4gb'] },
        { directive: 'maxmemory-policy', value: ['allkeys-lru'] },
      ],
      drop: ['save'],
    });
    const byHand = back.byHand.map(({ directive }) => directive).sort();
    expect(byHand).toEqual(['appendonly', 'client-output-buffer-limit', 'port', 'replicaof']);
    expect(back.diff).toContain('-appendonly yes');
  });

  it('never shows a secret and never writes a placeholder, whatever is in the backup', () => {
    for (const text of [then, redactConfig(then).text, 'user ops on >x ~* +@all\nmasterauth y\n']) {
      const back = configBack(now, text);
      const shown = JSON.stringify(back);
      for (const secret of ['geheim', 'anders', '{secret:']) expect(shown).not.toContain(secret);
      const set = back.intent?.set.map(({ directive }) => directive) ?? [];
      for (const directive of ['requirepass', 'masterauth', 'user']) expect(set).not.toContain(directive);
    }
  });

  it('is nothing where nothing differs, with another order and other comments', () => {
    const same = `# other\n${now.split('\n').reverse().join('\n')}`;
    expect(configBack(now, now)).toMatchObject({ diff: [], changes: [], byHand: [], intent: undefined });
    expect(configBack('save 1 1\nport 1\n', '# x\nport 1\nsave 1 1\n').intent).toBeUndefined();
    expect(configBack(now, same).intent).toBeUndefined();
  });
});
