import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { NodeKind } from '../model/inventory.js';
import { releaseClaim } from './block.js';
import { judgeWrites, lackedBy, type NotExpected, type WritesChecked } from './judge.js';
import { saveLab } from './keep.js';
import type { LabHost } from './layout.js';
import { hostOf, runningIn, signalNodes, startNode } from './nodes.js';
import { type Cycled, type Drill, failoverDrill, powerCycle } from './power.js';
import { prngOf } from './prng.js';
import { type LabProcess, signalProcess, untilGone } from './processes.js';
import { type RecordLine, readRecord, type WriteLine } from './record.js';
import { type BreakOptions, type Broken, breakLab } from './scenarios/index.js';
import { type LabState, readState, removeLabFiles, writeState } from './state.js';
import type { Stop } from './stop.js';
import { masterOf } from './view.js';
import { heldKeys, usualShape, type WriteShape, writeTo } from './writer.js';

/** A fleet of real processes on loopback addresses that stands for machines. Every wait has a limit; errors are RunbookError `lab`. */
export interface Lab {
  readonly directory: string;
  readonly fleetFile: string;
  readonly group: string;
  readonly seed: number;
  readonly hosts: readonly LabHost[];
  /** Of the lab's redis nodes; made up, and still never to be printed. */
  readonly password: string;
  /** The host that serves as master, undefined when there is none. */
  master(): Promise<string | undefined>;
  break(options: BreakOptions, say?: (line: string) => void): Promise<Broken>;
  /** Real, recorded writes to the running master. */
  write(shape?: Partial<WriteShape>): Promise<readonly WriteLine[]>;
  /**
   * Compares what the running master holds with the record of writes. `dataOf`: by the lab's own hand the data of that
   * node is what it should hold, without what that node never got.
   */
  checkWrites(options?: {
    readonly notExpected?: readonly NotExpected[];
    readonly dataOf?: string;
  }): Promise<WritesChecked>;
  /** All machines off and on again; nodes with a hold file stay off. */
  powerCycle(options?: { readonly stop?: Stop; readonly limitMs?: number }): Promise<Cycled>;
  /** Kills the master for real and waits until a majority of all sentinels has another that serves. */
  failoverDrill(limitMs: number): Promise<Drill>;
  kill(host: string, kind: NodeKind, signal: NodeJS.Signals): Promise<void>;
  start(host: string, kind: NodeKind): Promise<void>;
  running(): readonly LabProcess[];
  record(): readonly RecordLine[];
  state(): LabState;
  /** What runs, who is master, what was broken: lines for a terminal. */
  statusText(): Promise<readonly string[]>;
  /** A copy of a lab that does not run; returns its directory. */
  save(nameOrPath: string): string;
  /** Ends every process of the lab and gives its addresses back; `remove`: its directory too. */
  down(options?: { readonly remove?: boolean }): Promise<void>;
}

/** The lab of a directory, up or down; throws RunbookError `lab` when there is none. */
export function openLab(directory: string): Lab {
  const first = readState(directory);
  const state = () => readState(directory);
  async function serving(): Promise<LabHost> {
    const host = await masterOf(state());
    if (host === undefined) throw new RunbookError('lab', 'No node of the lab serves as master.');
    return host;
  }
  return {
    directory: first.directory,
    fleetFile: join(first.directory, 'fleet.yaml'),
    group: first.group,
    seed: first.seed,
    hosts: first.hosts,
    password: first.password,
    state,
    master: async () => (await masterOf(state()))?.name,
    break: (options, say = () => undefined) => breakLab(state(), options, say),
    write: async (shape = {}) => {
      const from = prngOf(first.seed + readRecord(directory).length);
      return writeTo(state(), await serving(), { ...usualShape, ...shape }, from);
    },
    checkWrites: async (options = {}) => {
      const held = await heldKeys(state(), await serving());
      const record = readRecord(directory);
      const lacks = options.dataOf === undefined ? [] : lackedBy(record, options.dataOf);
      return judgeWrites(record, held, [...lacks, ...(options.notExpected ?? [])]);
    },
    powerCycle: (options = {}) => powerCycle(state(), options.stop ?? 'clean', options.limitMs ?? 60_000),
    failoverDrill: (limitMs) => failoverDrill(state(), limitMs),
    kill: (host, kind, signal) => killNode(state(), host, kind, signal),
    start: (host, kind) => startNode(state(), hostOf(state(), host), kind),
    running: () => runningIn(first),
    record: () => readRecord(directory),
    statusText: async () => statusLines(state(), (await masterOf(state()))?.name),
    save: (nameOrPath) => saveLab(state(), nameOrPath),
    down: (options = {}) => takeDown(state(), options.remove === true),
  };
}

async function killNode(state: LabState, host: string, kind: NodeKind, signal: NodeJS.Signals): Promise<void> {
  const { name } = hostOf(state, host);
  await signalNodes(state, (one, oneKind) => one.name === name && oneKind === kind, signal);
}

const GONE_LIMIT_MS = 10_000;

/** What scenarios started beside the lab's own hosts ends, too. */
async function takeDown(state: LabState, remove: boolean): Promise<void> {
  await signalNodes(state, () => true, 'SIGKILL');
  const others = runningIn(state);
  for (const one of others) signalProcess(one, 'SIGKILL');
  await untilGone(others, GONE_LIMIT_MS);
  if (state.watcher !== undefined) signalProcess(state.watcher, 'SIGKILL');
  const { watcher: _watcher, ...rest } = readState(state.directory);
  if (remove) removeLabFiles(state);
  else writeState({ ...rest, up: false, started: {} });
  releaseClaim(state.claim);
}

function statusLines(state: LabState, master: string | undefined): readonly string[] {
  const running = runningIn(state);
  const nodes = state.hosts.map((host) => {
    const kinds = host.runs.map((kind) => {
      const found = running.find((one) => one.address === host.address && one.kind === kind && !one.child);
      return `${kind} ${found === undefined ? 'off' : `pid ${found.pid}`}`;
    });
    return `  ${host.name.padEnd(7)}${host.address.padEnd(16)}${kinds.join(', ')}`;
  });
  return [
    `Lab${state.up ? '' : ' (down)'} in ${state.directory}, ${state.claim.block}.0/24, group ${state.group}, seed ${state.seed}`,
    ...nodes,
    `Master: ${master ?? 'none'}`,
    ...(state.broken === undefined ? [] : [`Broken: ${state.broken.scenario}`, ...state.broken.drawn]),
  ];
}
