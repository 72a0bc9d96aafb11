import { spawn } from 'node:child_process';
import { appendFile, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import type { Diagnosis, Naive } from '../../src/model/diagnosis.js';

const bin = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));

export type Disaster = 'cascade-clean' | 'cascade-crash-aof' | 'cascade-crash-rdb' | 'all-down-aof' | 'all-down-rdb';

export interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a person does: the real program, a process of its own, no terminal, no input. */
export function runbook(
  lab: Lab,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  fleetFile = lab.fleetFile,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args, '--fleet', fleetFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: join(lab.directory, 'operator'), ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The diagnosis as `status --json` gives it. */
async function diagnosisOf(lab: Lab): Promise<Diagnosis> {
  const output = await runbook(lab, ['status', '--json']);
  return (JSON.parse(output.stdout) as { diagnosis: Diagnosis }).diagnosis;
}

/** A broken lab, by real kills, failovers and writes, that ends with this process. */
export async function broken(disaster: Disaster, seed: number): Promise<{ lab: Lab; lastWriter: string }> {
  const lab = await labUp({
    seed,
    ownerPid: process.pid,
    persistence: disaster.endsWith('aof') ? 'aof' : 'rdb',
  });
  const scenario = disaster.startsWith('cascade') ? 'cascade' : 'all-down';
  const result = await lab.break({ scenario, stop: disaster === 'cascade-clean' ? 'clean' : 'crash' });
  return { lab, lastWriter: result.lastWriter };
}

export interface Outcome {
  readonly lastWriter: string;
  readonly winner: string | undefined;
  /** Who was master after the recovery. */
  readonly master: string | undefined;
  readonly refusedFirst: boolean;
  readonly status: number | null;
  readonly missing: number;
  readonly extra: number;
  readonly excused: number;
  readonly expected: number;
  readonly sameMasterAfterCycle: boolean;
  readonly missingAfterCycle: number;
  readonly drillMs: number;
  readonly naive: readonly Naive[];
  /** Winners with the log of one host gone, by host; undefined = incomparable. */
  readonly withoutLogOf: Readonly<Record<string, string | undefined>>;
  readonly output: string;
}

/** Verdict, recovery, comparison with the record, power cycle, comparison again, a real failover. */
export async function recoverAndJudge(disaster: Disaster, seed: number): Promise<Outcome> {
  const { lab, lastWriter } = await broken(disaster, seed);
  try {
    const diagnosis = await diagnosisOf(lab);
    const withoutLogOf = await winnersWithoutLogs(lab);
    // A fleet that died at once must come back whole even when the logs of one host are gone, or be refused.
    const away = disaster.startsWith('all-down') ? await loseLog(lab, `pv${(seed % 3) + 1}`) : async () => undefined;
    const blind = await runbook(lab, ['recover', '--yes', '--plain']);
    await away();
    const first = blind.status === 3 ? await runbook(lab, ['recover', '--yes', '--plain']) : blind;
    const refusedFirst = first.status === 3;
    const done =
      refusedFirst && diagnosis.winner
        ? await runbook(lab, ['recover', '--yes', '--plain', '--accept-loss', diagnosis.winner, '--reason', 'test'])
        : first;
    const notExpected = excuses(diagnosis);
    const checked = await lab.checkWrites({ notExpected });
    const before = await lab.master();
    const cycled = await lab.powerCycle({ stop: seed % 2 === 0 ? 'clean' : 'crash', limitMs: 60_000 });
    const again = await lab.checkWrites({ notExpected });
    const drill = await lab.failoverDrill(60_000);
    return {
      lastWriter,
      winner: diagnosis.winner,
      master: before,
      refusedFirst,
      status: done.status,
      missing: checked.missing.length,
      extra: checked.extra.length,
      excused: checked.excused.length,
      expected: checked.expected,
      sameMasterAfterCycle: cycled.master === before,
      missingAfterCycle: again.missing.length + again.extra.length,
      drillMs: drill.elapsedMs,
      naive: diagnosis.naive,
      withoutLogOf,
      output: `${done.stdout}${done.stderr}`,
    };
  } finally {
    await lab.down({ remove: true });
    await rm(lab.directory, { recursive: true, force: true });
  }
}

/** What the verdict named as on no disk: every write since the newest file, or all of them where there is none. */
function excuses(diagnosis: Diagnosis) {
  if (!diagnosis.onNoDisk) return [];
  const saved = diagnosis.onNoDisk.savedAt;
  return [{ why: 'on no disk', ...(saved === undefined ? {} : { sinceMs: Date.parse(saved) }) }];
}

async function winnersWithoutLogs(lab: Lab): Promise<Record<string, string | undefined>> {
  const winners: Record<string, string | undefined> = {};
  for (const host of ['pv1', 'pv2', 'pv3']) {
    const back = await loseLog(lab, host);
    winners[host] = (await diagnosisOf(lab)).winner;
    await back();
  }
  return winners;
}

/** Moves a host's log away, and back before whatever was logged meanwhile. */
async function loseLog(lab: Lab, host: string): Promise<() => Promise<void>> {
  const log = join(lab.directory, host, 'log', 'redis.log');
  const away = join(lab.directory, `${host}-redis.log-away`);
  await rename(log, away);
  return async () => {
    const since = await readFile(log).catch(() => Buffer.alloc(0));
    await appendFile(away, since);
    await rename(away, log);
  };
}
