import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Lab } from '../../src/lab/lab.js';

const tool = resolve('bin/redis-runbook.js');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the last thing that was printed to the end of the process. */
  readonly lingeredMs: number;
}

/** Where the answers come from: nowhere (`/dev/null`), a pipe that has ended, or one that says y without end. */
export type Input = 'null' | 'ended' | 'yes';

/** Environment of a command on this lab: nothing of the machine that runs the tests, state beside the lab. */
export function environmentOf(lab: Lab, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: lab.directory,
    XDG_STATE_HOME: join(lab.directory, 'operator'),
    ...more,
  };
}

/** The argument list of `redis-runbook ARGS` on this lab. */
export function argvOf(lab: Lab, args: readonly string[]): readonly string[] {
  return [process.execPath, tool, ...args, '--fleet', lab.fleetFile];
}

/** Runs the program without a terminal. */
export function piped(
  lab: Lab,
  args: readonly string[],
  input: Input = 'null',
  more: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program = '', ...rest] = argvOf(lab, args);
  const child = spawn(program, rest, {
    cwd: lab.directory,
    stdio: [input === 'null' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: environmentOf(lab, more),
  });
  child.stdin?.on('error', () => undefined);
  if (input === 'ended') child.stdin?.end();
  if (input === 'yes') child.stdin?.end('y\n'.repeat(100_000));
  return endOf(child);
}

/** Waits for the end of a process and all that it printed. */
export function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  let last = performance.now();
  const took = () => {
    last = performance.now();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    took();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    took();
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (status) => done({ status, stdout, stderr, lingeredMs: performance.now() - last }));
  });
}

/** The JSON documents of a stdout that holds nothing else, one per line. */
export function jsonLines(stdout: string): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
