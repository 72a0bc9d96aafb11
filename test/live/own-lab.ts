import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';

const tool = resolve('bin/redis-runbook.js');

/** A lab as a person starts it, in a home directory of its own. */
export interface OwnLab {
  /** A file of the lab by its path below the lab's directory. */
  path(file: string): string;
  /** The word behind a directive in a node's redis.conf; empty when it has none. */
  word(node: string, directive: string): string;
  /** Runs the command there, with nothing of this process's environment but PATH. */
  run(...argv: readonly string[]): ReturnType<typeof spawnSync> & { readonly stdout: string; readonly stderr: string };
  /** The same, not waited for. Its caller ends it. */
  spawn(...argv: readonly string[]): ChildProcess;
}

/** Up before the tests of the file that calls it, down and removed after them. `more`: further environment. */
export function ownLab(more: Readonly<Record<string, string>> = {}): OwnLab {
  let home = '';
  const path = (file: string) => join(home, 'lab', file);
  const inHome = () => ({ cwd: home, env: { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, ...more } });
  const run = (...argv: readonly string[]) =>
    spawnSync(process.execPath, [tool, ...argv], { ...inHome(), encoding: 'utf8', timeout: 60_000 });
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'redis-runbook-own-lab-'));
    expect(run('lab', 'up', '--dir', path('.')).status).toBe(0);
  });
  afterAll(() => {
    run('lab', 'down', '--dir', path('.'));
    rmSync(home, { recursive: true });
  });
  const word = (node: string, directive: string) =>
    readFileSync(path(`${node}/redis.conf`), 'utf8').match(new RegExp(`^${directive} "?([^"\\n ]+)`, 'm'))?.[1] ?? '';
  return { path, word, run, spawn: (...argv) => spawn(process.execPath, [tool, ...argv], inHome()) };
}
