import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseInventory } from '../../src/inventory/load.js';
import { resolvePasswords } from '../../src/inventory/passwords.js';
import type { AskSecret } from '../../src/inventory/secret-source.js';
import { Secret } from '../../src/model/secret.js';

const password = '#p4$s;%w&0rd=*!';
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runbook-passwords-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

function inventory(source: string, second = '') {
  const text = [
    'name: shop',
    'group: a',
    `defaults: { password: ${source} }`,
    'hosts:',
    '  pv1: { address: 10.0.0.1, runs: [redis, sentinel] }',
    `  pv2: { address: 10.0.0.2, runs: [redis]${second} }`,
  ].join('\n');
  return parseInventory(join(directory, 'fleet.yaml'), text, { uid: 0, mode: 0o100600 }, 0);
}

async function revealed(source: string, second = '', ask?: AskSecret): Promise<Record<string, string>> {
  const passwords = await resolvePasswords(inventory(source, second), ask);
  return Object.fromEntries([...passwords].map(([node, secret]) => [node, secret.reveal((text) => text)]));
}

describe('the password of a node', () => {
  it('comes from the environment, and goes to no sentinel', async () => {
    vi.stubEnv('RUNBOOK_TEST_PASSWORD', password);
    expect(await revealed('{ env: RUNBOOK_TEST_PASSWORD }')).toEqual({ pv1: password, pv2: password });
  });

  it('comes from a file beside the fleet file, without its line end', async () => {
    await writeFile(join(directory, 'pw'), `${password}\n`);
    expect(await revealed('{ file: pw }')).toEqual({ pv1: password, pv2: password });
    expect(await revealed(`{ file: ${join(directory, 'pw')} }`)).toEqual({ pv1: password, pv2: password });
  });

  it('comes from a command that is run once, without a shell', async () => {
    const count = join(directory, 'count');
    const script = `require('fs').appendFileSync(${JSON.stringify(count)}, 'x'); process.stdout.write('$(id)\\n')`;
    const source = `{ command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(script)}] }`;
    expect(await revealed(source)).toEqual({ pv1: '$(id)', pv2: '$(id)' });
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(count, 'utf8')).toBe('x');
  });

  it('is asked for once', async () => {
    const asked: string[] = [];
    const ask: AskSecret = async (question) => {
      asked.push(question);
      return new Secret(password);
    };
    expect(await revealed('prompt', '', ask)).toEqual({ pv1: password, pv2: password });
    expect(asked).toEqual(['Redis password of shop']);
  });

  it('is left out where the own config decides, also for one host', async () => {
    vi.stubEnv('RUNBOOK_TEST_PASSWORD', password);
    expect(await revealed('node')).toEqual({});
    expect(await revealed('{ env: RUNBOOK_TEST_PASSWORD }', ', password: node')).toEqual({ pv1: password });
  });

  it.each([
    ['an unset variable', '{ env: RUNBOOK_TEST_UNSET }', 'fleet-file'],
    ['a missing file', '{ file: missing }', 'fleet-file'],
    ['a command that does not exist', '{ command: [/nonexistent/x] }', 'fleet-file'],
    ['a command that fails', '{ command: [sh, -c, "echo secret-part; exit 3"] }', 'fleet-file'],
    ['a command that says too much', '{ command: [sh, -c, "yes secret-part"] }', 'fleet-file'],
    ['two lines', '{ command: [printf, "a\\nsecret-part\\n"] }', 'fleet-file'],
    ['a prompt without a terminal', '{ prompt: true }', 'no-terminal'],
  ])('is an error without the password in it: %s', async (_, source, word) => {
    const error = await resolvePasswords(inventory(source)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'RunbookError', word });
    const said = error as Error & { facts: string[] };
    expect(`${said.message} ${said.facts.join(' ')}`).not.toContain('secret-part');
  });
});
