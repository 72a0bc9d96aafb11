import type { HostEntry, NodeEntry } from '../../../model/inventory.js';
import type { RawAnswer, RawFile } from '../../../model/raw-host.js';
import { known } from '../../../model/seen.js';
import { hasWildcards } from '../../glob.js';
import { differ, runningPlaces, stateFile } from '../../local-look.js';
import { processOf } from '../../local-nodes.js';
import type { LocalProcess } from '../../local-process.js';
import { holdPath } from '../../local-state.js';
import { type ConfigLook, type FilePlaces, lookAtConfig } from '../../look-config.js';
import { lookAtData } from '../../look-data.js';
import { fromNode, type LookContext } from '../../look-file.js';
import { parseTitle } from '../../proc-formats.js';
import type { Task } from './command.js';
import { remoteLog } from './log.js';
import type { RemoteScan } from './processes.js';
import type { Replay } from './replay.js';

/** A second exchange asks for no more files of a node one by one. */
const MOST_FILES = 100;

/** What is known of one node after the exchanges so far. */
export interface NodeView {
  readonly node: NodeEntry;
  readonly part: number;
  readonly config: ConfigLook;
  /** All of its config was seen, so that its password is known. */
  readonly configured: boolean;
  readonly files: readonly RawFile[];
  readonly replay: Replay;
  readonly context: LookContext;
  /** What a second exchange would have to look at. */
  readonly again: readonly Task[];
}

interface Trouble {
  readonly missing: readonly string[];
  readonly denied: readonly string[];
}

/** What was asked for in vain since the last call; what is denied is no trouble where nobody may become root. */
function takeTrouble(replay: Replay, mayBecome: boolean): Trouble {
  const trouble = { missing: [...replay.missing], denied: mayBecome ? [...replay.denied] : [] };
  replay.missing.clear();
  replay.denied.clear();
  return trouble;
}

function isTrouble({ missing, denied }: Trouble): boolean {
  return missing.length > 0 || denied.length > 0;
}

/** The process whose working directory may be another place of data: by its title or its words, whoever it is. */
function pidOf(node: NodeEntry, processes: readonly LocalProcess[]): number | undefined {
  return processes.find(({ argv }) => {
    const title = parseTitle(argv);
    if (title?.port === 0) return title.address === node.socket;
    if (title)
      return [node.port, node.connectPort].includes(title.port) && title.sentinel === (node.kind === 'sentinel');
    return argv.slice(1).includes(node.config);
  })?.pid;
}

function configTasks(part: number, node: NodeEntry, trouble: Trouble, scan: RemoteScan): readonly Task[] {
  const pid = pidOf(node, scan.processes);
  const whole: Task = { task: 'node', part, node, ...(pid === undefined ? {} : { pid }) };
  return [
    ...(trouble.denied.length > 0 ? [whole] : []),
    ...trouble.missing.map((path): Task => ({ task: hasWildcards(path) ? 'glob' : 'config', part, path })),
  ];
}

function dataTask(part: number, places: FilePlaces): Task {
  const { directory, dbfilename, appendfilename, appenddirname } = places;
  return { task: 'data', part, names: [directory, dbfilename, appendfilename, appenddirname] };
}

/** The whole place again where its manifest was not seen or something was denied, else the files that were not found. */
function dataTasks(part: number, places: FilePlaces, trouble: Trouble): readonly Task[] {
  const manifest = trouble.missing.find((path) => path.endsWith('.manifest'));
  if (manifest !== undefined || trouble.denied.length > 0) return [dataTask(part, places)];
  return trouble.missing.slice(0, MOST_FILES).map((path) => ({ task: 'edges', part, path }));
}

interface ToView {
  readonly entry: HostEntry;
  readonly node: NodeEntry;
  readonly part: number;
  readonly scan: RemoteScan;
  readonly replay: Replay;
  readonly context: LookContext;
  /** Whether a second exchange could look as root. */
  readonly mayBecome: boolean;
}

async function dataOf({ node, context }: ToView, config: ConfigLook, places: FilePlaces | undefined) {
  return places === undefined || node.kind !== 'redis' ? [] : lookAtData(context, node.id, places, config.user);
}

async function logOf(view: Pick<ToView, 'node' | 'context' | 'replay'>, config: ConfigLook, path: string | undefined) {
  if (path === undefined || path === '') return [];
  const rotated = view.replay.rotated(path);
  return [await remoteLog(view.context, view.replay, view.node, config, { path, rotated })];
}

/** Reads what the exchanges brought of one node by the rules for this machine's own files, and says what is wanting. */
export async function viewNode(to: ToView): Promise<NodeView> {
  const { entry, node: declared, part, scan, replay, context, mayBecome } = to;
  const process = known(processOf(declared, scan, fromNode(context, declared.id, '/proc')));
  const config = await lookAtConfig(context, declared, process ? { uid: process.uid, gid: 0 } : undefined);
  const { node } = config;
  const inConfig = takeTrouble(replay, mayBecome);
  const data = await dataOf(to, config, config.places);
  const inData = takeTrouble(replay, mayBecome);
  const logs = await logOf(to, config, config.places?.logfile);
  const inLog = takeTrouble(replay, mayBecome);
  const hold = await stateFile(context, node.id, 'hold', holdPath(entry, node));
  const inHold = takeTrouble(replay, mayBecome);
  const { places } = config;
  const again: readonly Task[] = [
    ...configTasks(part, node, inConfig, scan),
    ...(places ? dataTasks(part, places, inData) : []),
    ...(places && isTrouble(inLog) ? [{ task: 'log' as const, part, kind: node.kind, path: places.logfile }] : []),
    ...(isTrouble(inHold) ? [{ task: 'state' as const, part, path: holdPath(entry, node) }] : []),
  ];
  return {
    node,
    part,
    config,
    configured: places !== undefined && !isTrouble(inConfig),
    files: [...config.files, ...data, ...logs, hold],
    replay,
    context,
    again,
  };
}

/** Where a running node keeps its data now, when that is elsewhere than its files say. */
function elsewhere({ node, config }: NodeView, answers: readonly RawAnswer[]): FilePlaces | undefined {
  const now = runningPlaces(answers, config.places);
  return now === undefined || node.kind !== 'redis' || !differ(config.places, now) ? undefined : now;
}

/** What the second exchange must bring because a running node said that its files are elsewhere. */
export function tasksElsewhere(view: NodeView, answers: readonly RawAnswer[]): readonly Task[] {
  const now = elsewhere(view, answers);
  if (now === undefined) return [];
  const { part, node, config } = view;
  const log: readonly Task[] =
    config.places !== undefined || now.logfile === ''
      ? []
      : [{ task: 'log', part, kind: node.kind, path: now.logfile }];
  return [dataTask(part, now), ...log];
}

/** The files of a running node that are elsewhere than its config says, as far as an exchange brought them. */
export async function filesElsewhere(view: NodeView, answers: readonly RawAnswer[]): Promise<readonly RawFile[]> {
  const now = elsewhere(view, answers);
  if (now === undefined) return [];
  const data = await lookAtData(view.context, view.node.id, now, view.config.user);
  return view.config.places === undefined ? [...data, ...(await logOf(view, view.config, now.logfile))] : data;
}
