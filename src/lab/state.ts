import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { assertLoopback, type Claim } from './block.js';
import type { LabHost, Persistence, Programs } from './layout.js';

/** lab.json: what a lab knows about itself. Recovery never reads it. Holds the password, hence mode 0600. */
export interface LabState {
  readonly schema: 'redis-runbook/lab/1';
  readonly directory: string;
  readonly claim: Claim;
  readonly seed: number;
  readonly group: string;
  readonly password: string;
  readonly persistence: Persistence;
  readonly quorum: number;
  readonly fast: boolean;
  readonly programs: Programs;
  readonly hosts: readonly LabHost[];
  /** What was broken, and what the seed drew for it; absent while nothing was. */
  readonly broken?: { readonly scenario: string; readonly drawn: readonly string[] };
  /** False once the lab was taken down: its addresses are given back. */
  readonly up: boolean;
  readonly watcher?: { readonly pid: number; readonly startTicks: string };
  /** Processes that the lab itself started, by `host/kind`. */
  readonly started: Readonly<Record<string, { readonly pid: number; readonly startTicks: string }>>;
}

const FILE = 'lab.json';

/** Reads lab.json of a directory; throws RunbookError `lab` when there is none or it is not on loopback. */
export function readState(directory: string): LabState {
  let state: LabState;
  try {
    state = JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as LabState;
  } catch (error) {
    throw new RunbookError('lab', `There is no lab in ${directory}.`, {
      facts: [error instanceof Error ? error.message : String(error)],
      next: [`redis-runbook lab up --dir ${directory}`],
    });
  }
  if (state.schema !== 'redis-runbook/lab/1') {
    throw new RunbookError('lab', `${join(directory, FILE)} is not of a lab that this version knows.`);
  }
  for (const host of state.hosts) assertLoopback(host.address);
  return state;
}

/** Replaces lab.json. */
export function writeState(state: LabState): void {
  const file = join(state.directory, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Removes what the lab made in its directory, and the directory when nothing else is in it. */
export function removeLabFiles(state: LabState): void {
  const own = ['fleet.yaml', 'writes.jsonl', FILE, 'other1', 'other2', ...state.hosts.map((host) => host.name)];
  for (const name of own) rmSync(join(state.directory, name), { recursive: true, force: true });
  if (readdirSync(state.directory).length === 0) rmdirSync(state.directory);
}
