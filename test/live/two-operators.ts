import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Lab } from '../../src/lab/lab.js';
import { waitFor } from './own-redis.js';
import type { Output } from './recovery.js';

const tool = resolve('bin/redis-runbook.js');

/** One of several people at the same fleet: a name, and a home of his own. */
export interface Operator {
  readonly name: string;
  readonly runs: string;
  /** The command under way, with what it will have said. */
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Output> };
  run(...args: readonly string[]): Promise<Output>;
  /** The id of his only run. */
  runId(): string;
  journal(): string;
}

export function operatorAt(lab: Lab, name: string, machine = name): Operator {
  const home = join(lab.directory, `operator-${machine}`);
  const runs = join(home, 'redis-runbook', 'runs');
  const env = { ...process.env, XDG_STATE_HOME: home, XDG_CONFIG_HOME: home, REDIS_RUNBOOK_OPERATOR: name };
  const start = (...args: readonly string[]) => {
    const child = spawn(process.execPath, [tool, ...args, '--fleet', lab.fleetFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk) => {
        said[stream] += String(chunk);
      });
    const ended = new Promise<Output>((done, failed) => {
      child.on('error', failed);
      child.on('close', (status) => done({ status, ...said }));
    });
    return { child, ended };
  };
  const directory = () => (existsSync(runs) ? (readdirSync(runs)[0] ?? '') : '');
  return {
    name,
    runs,
    start,
    run: (...args) => start(...args).ended,
    runId: () => directory().slice(-4),
    journal: () => {
      const path = join(runs, directory(), 'journal.jsonl');
      return directory() !== '' && existsSync(path) ? readFileSync(path, 'utf8') : '';
    },
  };
}

/** Stops a recovery as a laptop's lid does, once its journal holds the word. */
export async function asleepAt(operator: Operator, child: ChildProcess, word: string): Promise<void> {
  await waitFor(`${word} in the journal of ${operator.name}`, () => operator.journal().includes(word));
  child.kill('SIGSTOP');
}

export function lockFiles(lab: Lab): readonly string[] {
  const files = lab.hosts.map((host) => join(host.directory, 'state', 'lock.json'));
  return files.filter((file) => existsSync(file));
}

/** Makes the last sign of life of every lock older, by the clock of its host. */
export function ageLocks(lab: Lab, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  for (const file of lockFiles(lab)) utimesSync(file, then, then);
}
