import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPolicy } from '../../src/audit/policy.js';
import { willNotStartRules } from '../../src/audit/rules/will-not-start/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { queues } from '../../src/audit/starts/sentinel-lines.js';
import type { Target } from '../../src/audit/target.js';
import { type Mutant, mutant, mutationKinds } from './mutations.js';

/** What a real server did with a config: `line` where it named one. */
export interface Outcome {
  readonly starts: boolean;
  readonly line?: number;
  readonly said: string;
}

/** A mutant on which the audit and the server differ. */
interface Disagreement {
  readonly number: number;
  readonly mutant: Mutant;
  readonly server: Outcome;
  readonly audit: string;
}

/** By kind of mutation: how many, how many refused by the server, and where the two differ. */
export interface Agreement {
  readonly kind: string;
  readonly total: number;
  readonly refused: number;
  readonly machine: number;
  readonly differ: readonly Disagreement[];
}

const READY = /Ready to accept connections|ready to accept connections|Sentinel ID is/;
/** A sentinel line that names an address, as the server quotes it. */
const ADDRESSED = />>> 'sentinel (?:monitor|known-\S+) \S+ (\S+) /i;
const LIMIT_MS = 10_000;

/**
 * Starts the server with a config in an empty directory and a network namespace of its own, and ends it as soon as it
 * says that it is up. `server` is a command line.
 */
export async function startIn(server: readonly string[], node: Mutant['node'], text: string): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'redis-runbook-starts.'));
  writeFileSync(join(dir, 'node.conf'), text);
  const closed = process.getuid?.() === 0 ? ['-n'] : ['-rn'];
  const addresses = [...text.matchAll(/^bind .*/gm)].flatMap(
    ([line]) => line.match(/\b(?:10|192)(?:\.\d+){3}\b/g) ?? [],
  );
  const add = addresses.map((address) => `ip addr add ${address}/32 dev lo && `).join('');
  const up = ['sh', '-c', `ip link set lo up && ${add}exec "$@"`, 'sh', ...server, './node.conf'];
  const child = spawn('unshare', [...closed, ...up, ...(node === 'sentinel' ? ['--sentinel'] : [])], {
    cwd: dir,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let starts = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (chunk: string) => {
      said += chunk;
      if (READY.test(said)) {
        starts = true;
        child.kill('SIGKILL');
      }
    });
  }
  await new Promise((done, fail) => child.once('close', done).once('error', fail));
  rmSync(dir, { recursive: true, force: true });
  const line = /at line (\d+)/.exec(said)?.[1];
  return { starts, said: said.trim().slice(-400), ...(line === undefined ? {} : { line: Number(line) }) };
}

/** Compares the audit with a server over `count` mutants of a seed, two at a time. */
export async function agreement(
  server: readonly string[],
  target: Target,
  seed: number,
  count: number,
): Promise<readonly Agreement[]> {
  const outcomes: { readonly number: number; readonly made: Mutant; readonly server: Outcome }[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < count) {
      const number = next++;
      const made = mutant(seed, number);
      outcomes.push({ number, made, server: await startIn(server, made.node, made.text) });
    }
  }
  await Promise.all([work(), work()]);
  return mutationKinds.map((kind) => {
    const all = outcomes.filter((one) => one.made.kind === kind);
    const decided = all.filter((one) => !isMachines(one.server, target));
    const differ = decided.flatMap((one) => {
      const audit = auditSays(one.made, target);
      return agrees(audit, one.server)
        ? []
        : [{ number: one.number, mutant: one.made, server: one.server, audit: audit.text }];
    });
    return {
      kind,
      total: decided.length,
      refused: decided.filter((one) => !one.server.starts).length,
      machine: all.length - decided.length,
      differ,
    };
  });
}

/** Before 6.2 the resolver decides about a host name: that is not in the text. */
function isMachines(server: Outcome, target: Target): boolean {
  const host = ADDRESSED.exec(server.said)?.[1];
  return !queues(target) && host !== undefined && /[a-z]/i.test(host) && /resolve|Wrong hostname/.test(server.said);
}

interface Verdict {
  readonly line?: number;
  readonly text: string;
}

/** What the audit of the file as it was given says: secrets replaced, its kind made out, every rule asked. */
function auditSays(made: Mutant, target: Target): Verdict {
  const file = { path: `node/${made.node}.conf`, named: true, content: { text: made.text } };
  const judging = { rules: willNotStartRules, policy: defaultPolicy, today: '2026-11-21' };
  const findings = auditFiles([file], undefined, target, '', judging).flatMap((report) => report.findings);
  const first = findings.find(({ server }) => server?.stopsHere === true);
  if (first === undefined) return { text: 'starts' };
  return { line: first.line ?? 1, text: `${first.line}: ${first.rule}: ${first.server?.says}` };
}

function agrees(audit: Verdict, server: Outcome): boolean {
  if (server.starts) return audit.line === undefined;
  return server.line === undefined ? audit.line !== undefined : audit.line === server.line;
}

/** The kinds of which more than two in a hundred differ, each disagreement in words. */
export function tooFar(all: readonly Agreement[]): readonly string[] {
  return all.filter(({ total, differ }) => differ.length > total * 0.02).map((one) => printAgreement([one]));
}

/** The share of the configs that the server refused. */
export function refusedShare(all: readonly Agreement[]): number {
  const [refused, total] = [
    all.reduce((sum, one) => sum + one.refused, 0),
    all.reduce((sum, one) => sum + one.total, 0),
  ];
  return refused / total;
}

/** A report of the figures and of every disagreement. */
export function printAgreement(all: readonly Agreement[]): string {
  return all
    .flatMap(({ kind, total, refused, machine, differ }) => [
      `${kind}: ${total - differ.length} of ${total} agree, ${refused} refused, ${machine} left to the machine`,
      ...differ.map(
        (one) =>
          `  #${one.number} audit ${one.audit} | server ${one.server.starts ? 'starts' : one.server.said.split('\n').slice(-3).join(' / ')}`,
      ),
    ])
    .join('\n');
}
