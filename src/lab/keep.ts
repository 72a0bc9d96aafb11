import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { RunbookError } from '../errors.js';
import { type Claim, claimBlock, releaseClaim } from './block.js';
import { runningIn } from './nodes.js';
import { type LabState, readState, writeState } from './state.js';

/** Where a saved lab lies: a word is a name among the user's saved labs, anything with a slash is a directory. */
function savedPath(nameOrPath: string): string {
  if (nameOrPath.includes('/')) return resolve(nameOrPath);
  const base = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
  return join(base, 'redis-runbook', 'labs', nameOrPath);
}

/** Copies a lab that does not run to a directory that does not exist yet; returns that directory. */
export function saveLab(state: LabState, nameOrPath: string): string {
  if (runningIn(state).length > 0) {
    throw new RunbookError('lab', 'The lab is running: only one that is broken or down can be saved.', {
      next: ['redis-runbook lab break all-down', 'redis-runbook lab down'],
    });
  }
  const to = savedPath(nameOrPath);
  assertFree(to);
  mkdirSync(to, { recursive: true, mode: 0o700 });
  cpSync(state.directory, to, { recursive: true, preserveTimestamps: true });
  return to;
}

/**
 * Copies a saved lab into `directory` and claims addresses for it: those that it was saved with when they are free, else others.
 * Addresses and paths are then rewritten in configs and logs (the data files hold neither), with their file times kept.
 * Throws RunbookError `lab` when the directory exists and is not empty.
 */
export async function loadLab(nameOrPath: string, directory: string, ownerPid?: number): Promise<LabState> {
  const saved = readState(savedPath(nameOrPath));
  assertFree(directory);
  const claim = await claimBlock(directory, {
    wanted: saved.claim.block,
    ...(ownerPid === undefined ? {} : { ownerPid }),
  });
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    cpSync(savedPath(nameOrPath), directory, { recursive: true, preserveTimestamps: true });
    return moved(saved, directory, claim);
  } catch (error) {
    releaseClaim(claim);
    throw error;
  }
}

function moved(saved: LabState, directory: string, claim: Claim): LabState {
  const turn = (text: string) =>
    text.replaceAll(saved.directory, directory).replaceAll(`${saved.claim.block}.`, `${claim.block}.`);
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !path.includes('/data/') && entry.name !== 'lab.json') rewriteText(path, turn);
  }
  const { watcher: _watcher, ...rest } = saved;
  const hosts = saved.hosts.map((host) => ({
    ...host,
    address: turn(host.address),
    directory: turn(host.directory),
  }));
  const state: LabState = { ...rest, directory, claim, hosts, up: true, started: {} };
  writeState(state);
  return state;
}

/** Logs may hold any byte, hence latin1: what is not replaced stays as it is. */
function rewriteText(path: string, turn: (text: string) => string): void {
  const stat = statSync(path);
  const before = readFileSync(path, 'latin1');
  const after = turn(before);
  if (after === before) return;
  writeFileSync(path, after, 'latin1');
  utimesSync(path, stat.atime, stat.mtime);
}

function assertFree(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  throw new RunbookError('lab', `${directory} exists and is not empty.`, { facts: ['Nothing was changed.'] });
}
