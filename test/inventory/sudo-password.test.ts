import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunbookError } from '../../src/errors.js';
import { parseInventory } from '../../src/inventory/load.js';
import { resolveSecret } from '../../src/inventory/secret-source.js';
import type { SecretSource } from '../../src/model/inventory.js';

function inventory(defaults: string, pv2 = '', mode = 0o100600) {
  const text = [
    'name: shop',
    'group: a',
    `defaults: { ${defaults} }`,
    'hosts:',
    '  pv1: { address: 10.0.0.1, runs: [redis, sentinel] }',
    `  pv2: { address: 10.0.0.2, runs: [redis]${pv2} }`,
  ].join('\n');
  return parseInventory('/fleets/fleet.yaml', text, { uid: 0, mode }, 0);
}

function sourcesOf(...given: Parameters<typeof inventory>) {
  return inventory(...given).hosts.map((host) => host.sudoPassword);
}

function mistakesOf(...given: Parameters<typeof inventory>): string {
  try {
    inventory(...given);
  } catch (error) {
    const { message, facts } = error as RunbookError;
    return [message, ...facts].join('\n');
  }
  throw new Error('no mistake was found');
}

describe('sudo-password', () => {
  test('is nothing where the file says nothing', () => {
    expect(sourcesOf('become: sudo')).toEqual([undefined, undefined]);
  });

  test('counts for every host, until a host names its own', () => {
    const own = ', sudo-password: { file: pv2.pw }';
    expect(sourcesOf('become: sudo, sudo-password: { env: SUDO }', own)).toEqual([
      { from: 'env', name: 'SUDO' },
      { from: 'file', path: 'pv2.pw' },
    ]);
    expect(sourcesOf('become: sudo, sudo-password: prompt')[0]).toEqual({ from: 'prompt' });
    expect(sourcesOf('become: sudo, sudo-password: { command: [pass, sudo] }')[0]).toEqual({
      from: 'command',
      argv: ['pass', 'sudo'],
    });
  });

  test('is no password itself, and no redis.conf has one', () => {
    expect(mistakesOf('become: sudo, sudo-password: node')).toContain('sudo-password');
    const mistakes = mistakesOf('become: sudo, sudo-password: hunter2');
    expect(mistakes).toContain('sudo-password');
    expect(mistakes).not.toContain('hunter2');
  });

  test('without become: sudo is a mistake, because it would do nothing', () => {
    expect(mistakesOf('sudo-password: { env: SUDO }')).toContain('sudo-password needs become: sudo');
    expect(mistakesOf('become: sudo', ', become: none, sudo-password: { env: SUDO }')).toContain(
      'sudo-password needs become: sudo',
    );
    expect(sourcesOf('become: sudo, sudo-password: { env: SUDO }', ', become: none')).toHaveLength(2);
  });

  test('by a command is not taken from a file that others may write', () => {
    expect(mistakesOf('become: sudo, sudo-password: { command: [id] }', '', 0o100666)).toContain('"command" runs');
  });
});

describe('where a secret comes from', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runbook-secrets-'));
  });
  afterAll(() => rm(directory, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  async function given(source: SecretSource): Promise<string> {
    const file = join(directory, 'fleet.yaml');
    const wanted = { file, key: 'sudo-password', question: 'sudo', instead: 'or remove sudo-password' };
    return (await resolveSecret(source, wanted)).reveal((text) => text);
  }

  test('a file beside the fleet file, and the environment', async () => {
    await writeFile(join(directory, 'pw'), 'a b"c\n', { mode: 0o600 });
    vi.stubEnv('RUNBOOK_TEST_SUDO', 'd e');
    expect(await given({ from: 'file', path: 'pw' })).toBe('a b"c');
    expect(await given({ from: 'env', name: 'RUNBOOK_TEST_SUDO' })).toBe('d e');
  });

  test('that gives none is an error which names its key', async () => {
    await expect(given({ from: 'env', name: 'RUNBOOK_TEST_NONE' })).rejects.toMatchObject({
      word: 'fleet-file',
      message: expect.stringContaining('RUNBOOK_TEST_NONE gives no password'),
      facts: [expect.stringContaining('named as sudo-password in')],
      next: ['or remove sudo-password'],
    });
    await expect(given({ from: 'prompt' })).rejects.toMatchObject({
      word: 'no-terminal',
      message: expect.stringContaining('"sudo-password: prompt"'),
    });
  });
});
