import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { willNotStartRules } from '../../src/audit/rules/will-not-start/index.js';
import type { AuditFinding } from '../../src/model/audit.js';
import { waitFor } from '../live/own-redis.js';
import { auditOf } from './audit-of.js';
import { mutant, mutationKinds } from './mutations.js';
import { notInFiles } from './not-in-files.js';

/** A config that a server wrote itself, and what the audit says of its start. */
export interface Rewritten {
  readonly text: string;
  readonly findings: readonly AuditFinding[];
}

/** Starts a server (a command line) with the `at`-th unchanged config, changes it, lets it rewrite its file, and audits that. */
export async function rewrittenBy(server: readonly string[], at: number, version: string): Promise<Rewritten> {
  const dir = mkdtempSync(join(tmpdir(), 'redis-runbook-rewrite.'));
  const file = join(dir, 'redis.conf');
  try {
    writeFileSync(file, startable(at));
    await rewrite(server, dir, version !== 'redis-6.0');
    const reports = await auditOf(file, willNotStartRules, version);
    const unchecked = reports
      .flatMap(({ notChecked }) => notChecked.map(({ rule }) => rule))
      .filter((rule) => !notInFiles.has(rule));
    if (unchecked.length > 0) throw new Error(`not checked: ${unchecked.join(' ')}`);
    return { text: readFileSync(file, 'utf8'), findings: reports.flatMap(({ findings }) => findings) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Unchanged redis configs of the seed, without the passwords that would keep the test out. */
function startable(at: number): string {
  const numbers = Array.from({ length: 40 }, (_, index) => index * mutationKinds.length);
  const plain = numbers.map((number) => mutant(99, number)).filter(({ node }) => node === 'redis');
  return (plain[at]?.text ?? '').replace(/^requirepass .*\n/gm, '');
}

async function rewrite([program = '', ...args]: readonly string[], dir: string, selectors: boolean): Promise<void> {
  const child = spawn(program, [...args, './redis.conf'], { cwd: dir, stdio: 'ignore' });
  const gone = new Promise((done) => child.once('close', done));
  const ask = (...words: readonly string[]) => cli(join(dir, 'node.sock'), ...words);
  try {
    await waitFor('the server', () => ask('ping') === 'PONG' || undefined);
    for (const [name = '', value = ''] of [
      ['maxmemory', '300mb'],
      ['save', '60 5'],
      ['timeout', '7'],
    ]) {
      expectOk(ask('config', 'set', name, value));
    }
    const rules = ['on', '>p w', '~x*', '+@read', ...(selectors ? ['(~y +get)'] : [])];
    expectOk(ask('acl', 'setuser', 'late', ...rules));
    expectOk(ask('config', 'rewrite'));
  } finally {
    child.kill('SIGKILL');
    await gone;
  }
}

function expectOk(said: string): void {
  if (said !== 'OK') throw new Error(said);
}

function cli(socket: string, ...words: readonly string[]): string {
  return spawnSync('redis-cli', ['-s', socket, ...words], { encoding: 'utf8', timeout: 5000 }).stdout.trim();
}
