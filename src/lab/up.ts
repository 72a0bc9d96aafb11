import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RunbookError } from '../errors.js';
import { type Claim, claimBlock, releaseClaim } from './block.js';
import { drawClocks } from './draw.js';
import { fleetYaml, redisConf, sentinelConf } from './fleet-texts.js';
import { loadLab } from './keep.js';
import { type Lab, openLab } from './lab.js';
import { configOf, findPrograms, layoutOf, type Persistence, type Programs, stateOf } from './layout.js';
import { runningIn } from './nodes.js';
import { startAll } from './power.js';
import { type LabState, readState, removeLabFiles, writeState } from './state.js';
import { SETTLE_LIMIT_MS, untilSettled } from './view.js';
import { startWatcher } from './watcher.js';

export interface LabOptions {
  /** A new one under the system's temporary directory when left out; that one is removed with its owner. */
  readonly directory?: string;
  /** Redis nodes, 2 to 9. */
  readonly redis?: number;
  /** Sentinels, 1 to 9. */
  readonly sentinels?: number;
  /** More than half of nothing: what `sentinel monitor` says. Two as in the usual layout of five. */
  readonly quorum?: number;
  readonly group?: string;
  readonly password?: string;
  readonly persistence?: Persistence;
  readonly seed?: number;
  /** The servers that it runs; those of Redis on PATH when left out. */
  readonly programs?: Programs;
  /** Sentinel's and replication's own periods instead of fast ones. */
  readonly defaultTimings?: boolean;
  /** The lab ends when this process does; left out: it stays up. */
  readonly ownerPid?: number;
}

/** A made-up password with the signs that break naive quoting, and none that Sentinel itself cannot keep. */
const labPassword = '#p4$s;%w&0rd=*!';

/** Brings up a healthy lab and waits until it has settled. Throws RunbookError `lab` or `redis-missing`; then nothing is left running. */
export async function labUp(options: LabOptions = {}): Promise<Lab> {
  assertOptions(options);
  const programs = options.programs ?? findPrograms();
  const directory = emptyDirectory(options.directory);
  const claim = await claimBlock(directory, options.ownerPid === undefined ? {} : { ownerPid: options.ownerPid });
  const state: LabState = { ...newState(options, directory, claim), programs };
  writeState(state);
  writeFleet(state);
  return owned(state, options.ownerPid, options.directory === undefined, async () => {
    await startAll(state);
    await untilSettled(state, SETTLE_LIMIT_MS);
  });
}

/** Brings back a saved lab, off as it was saved, in `directory` (a new temporary one when left out). */
export async function labLoad(
  nameOrPath: string,
  options: { readonly directory?: string; readonly ownerPid?: number } = {},
): Promise<Lab> {
  const directory = emptyDirectory(options.directory);
  const state = await loadLab(nameOrPath, directory, options.ownerPid);
  return owned(state, options.ownerPid, options.directory === undefined, async () => undefined);
}

/** Runs the first steps of a lab under its watcher; when they fail, the lab is taken down again. */
async function owned(
  state: LabState,
  ownerPid: number | undefined,
  temporary: boolean,
  begin: () => Promise<void>,
): Promise<Lab> {
  const lab = openLab(state.directory);
  try {
    const watcher = ownerPid === undefined ? undefined : startWatcher(state, ownerPid, temporary);
    if (watcher !== undefined) writeState({ ...readState(state.directory), watcher });
    await begin();
    return lab;
  } catch (error) {
    await lab.down({ remove: temporary }).catch(() => releaseClaim(state.claim));
    throw error;
  }
}

function newState(options: LabOptions, directory: string, claim: Claim): Omit<LabState, 'programs'> {
  const seed = options.seed ?? 1;
  const size = { redis: options.redis ?? 3, sentinels: options.sentinels ?? 5 };
  const clocks = drawClocks(seed, Math.max(size.redis, size.sentinels) + size.sentinels);
  return {
    schema: 'redis-runbook/lab/1',
    directory,
    claim,
    seed,
    group: options.group ?? 'stn-master',
    password: options.password ?? labPassword,
    persistence: options.persistence ?? 'rdb',
    quorum: options.quorum ?? Math.min(2, size.sentinels),
    fast: options.defaultTimings !== true,
    hosts: layoutOf(directory, claim.block, size, clocks),
    up: true,
    started: {},
  };
}

function writeFleet(state: LabState): void {
  const first = state.hosts[0];
  if (first === undefined) return;
  for (const host of state.hosts) {
    for (const name of ['data', 'log']) mkdirSync(join(host.directory, name), { recursive: true });
    mkdirSync(stateOf(host), { recursive: true, mode: 0o700 });
    if (host.runs.includes('redis'))
      writeFileSync(configOf(host, 'redis'), redisConf(host, first, state), { mode: 0o640 });
    if (host.runs.includes('sentinel')) {
      writeFileSync(configOf(host, 'sentinel'), sentinelConf(host, first, state), { mode: 0o640 });
    }
  }
  writeFileSync(join(state.directory, 'fleet.yaml'), fleetYaml(state.hosts, state.group, state.programs));
}

/** A lab that was taken down may be replaced in its own directory; anything else that is there is not the lab's. */
function emptyDirectory(wanted: string | undefined): string {
  if (wanted === undefined) return realpathSync(mkdtempSync(join(tmpdir(), 'redis-runbook-lab.')));
  const path = resolve(wanted);
  if (existsSync(join(path, 'lab.json'))) removeOld(path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (readdirSync(path).length > 0) throw new RunbookError('lab', `${path} is not empty, and it is not a lab.`);
  return realpathSync(path);
}

function removeOld(path: string): void {
  const old = readState(path);
  if (old.up || runningIn(old).length > 0) {
    throw new RunbookError('lab', `There is a lab in ${path} already${old.broken === undefined ? '' : ', broken'}.`, {
      next: [`redis-runbook lab status --dir ${path}`, `redis-runbook lab down --dir ${path}`],
    });
  }
  removeLabFiles({ ...old, directory: path });
}

function assertOptions(options: LabOptions): void {
  const { redis = 3, sentinels = 5, password = labPassword, group = 'stn-master' } = options;
  const inRange = (count: number, low: number) => Number.isInteger(count) && count >= low && count <= 9;
  if (!inRange(redis, 2)) throw new RunbookError('lab', 'A lab has 2 to 9 redis nodes.');
  if (!inRange(sentinels, 1)) throw new RunbookError('lab', 'A lab has 1 to 9 sentinels.');
  const quorum = options.quorum ?? Math.min(2, sentinels);
  if (!inRange(quorum, 1) || quorum > sentinels) throw new RunbookError('lab', `The quorum is 1 to ${sentinels}.`);
  if (!/^[A-Za-z0-9._-]+$/.test(group)) throw new RunbookError('lab', 'The group is letters, digits, dot, dash.');
  // Sentinel writes auth-pass unquoted and cannot read such a password again (7.0.15).
  if (password === '' || /[\s"'\\]/.test(password)) {
    throw new RunbookError('lab', 'The password may hold no blank, quote or backslash: Sentinel cannot keep those.');
  }
}
