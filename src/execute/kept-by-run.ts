import { dirname, join, normalize } from 'node:path';
import { fromJson } from '../model/json.js';
import { type Action, actionsOf, type Plan } from '../model/plan.js';
import type { JournalLine } from '../model/run.js';
import { decodeText } from '../redis/byte-text.js';
import { MOVED_FILE } from './actions/data-aside.js';
import { END_FILE, keptDirectory, LIST } from './actions/data-keep.js';
import { PLACED_FILE } from './actions/data-place.js';
import { VERIFIED_FILE } from './actions/data-verify.js';
import { copiedFiles } from './copied-file.js';
import { copyPath } from './copies.js';
import { plannedPlace } from './data-place.js';
import { keptConfigPath } from './kept-config.js';
import { hostOf, nodeAt } from './node.js';
import { pastOf } from './past.js';
import { restoreDirectories, UNDONE_FILE } from './restore-place.js';
import type { Reach } from './tools.js';

/** A name on a host that may be a file of the run; `node`: touched with the right of its files, else with that of the host. */
export interface OwnName {
  readonly path: string;
  readonly node?: string;
}

/** What the record of a run says that it put on one host, whether it is still there or not. */
export interface OwnNames {
  readonly files: readonly OwnName[];
  /** Directories that are the run's alone. */
  readonly roots: readonly OwnName[];
  /** What could not be found out, in words. */
  readonly unseen: readonly string[];
}

const LIST_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Every name that a run gave on a host: kept data by its journal and by the lists beside the data, kept configs, copies of
 * its record. No directory is searched; a name outside the run's own directories is none, whoever wrote it down. The
 * lists come last: removed in this order, what is left is still known.
 */
export async function namesOnHost(
  host: string,
  run: string,
  plan: Plan,
  lines: readonly JournalLine[],
  reach: Reach,
): Promise<OwnNames> {
  const past = pastOf(lines);
  const actions = actionsOf(plan).filter((action) => action.host === host && past.stands.has(action.id));
  const state = stateNames(host, run, actions, reach);
  const files: OwnName[] = [...state.files];
  const roots = new Map<string, OwnName>();
  const unseen: string[] = [];
  for (const action of actions) {
    try {
      for (const directory of await dataDirectories(action, past.details.get(action.id) ?? {}, run, reach)) {
        const root = dirname(directory);
        roots.set(root, { path: root, node: action.node });
        const named = [...(await listedIn(directory, action.node, reach)), ...pathsIn(past.details.get(action.id))];
        files.push(...[...named, ...plannedNames(action, directory)].map((path) => ({ path, node: action.node })));
      }
    } catch (error) {
      unseen.push(`${action.node}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const all = [...roots.values(), ...state.roots];
  const own = new Map(
    files.filter(({ path }) => all.some((root) => isBelow(path, root.path))).map((file) => [file.path, file]),
  );
  const isList = ({ path }: OwnName) => lists.some((list) => path.endsWith(`/${list}`));
  const sorted = [...own.values()].sort((a, b) => Number(isList(a)) - Number(isList(b)));
  return { files: sorted, roots: all, unseen: [...new Set(unseen)] };
}

/** Copies of the record and kept configs, in the run's directory of the host's state. */
function stateNames(host: string, run: string, actions: readonly Action[], reach: Reach): Omit<OwnNames, 'unseen'> {
  const on = hostOf(reach, host);
  const configs = actions.flatMap((action) => (action.kind === 'config.keep' ? [action.path] : []));
  const paths = [
    ...copiedFiles.map((file) => copyPath(on, run, file)),
    ...configs.map((path) => keptConfigPath(on, run, path)),
  ];
  return { files: paths.map((path) => ({ path })), roots: [{ path: `${on.entry.state}/${run}` }] };
}

/** The directories below the run's own beside the data that an action may have put files into. */
async function dataDirectories(
  action: Action,
  found: Readonly<Record<string, unknown>>,
  run: string,
  reach: Reach,
): Promise<readonly string[]> {
  if (action.kind === 'data.keep' || action.kind === 'data.verify') {
    const moment = action.kind === 'data.keep' ? action.moment : 'after-stop';
    const recorded = typeof found.directory === 'string' ? found.directory : undefined;
    if (recorded?.endsWith(`/.redis-runbook-${run}/${moment}`)) return [recorded];
    return [keptDirectory(await plannedPlace(reach, action.node), run, moment)];
  }
  if (action.kind !== 'data.send' && action.kind !== 'data.place' && action.kind !== 'data.aside') return [];
  const { sent, replaced, undone } = restoreDirectories(action.place, run);
  return [sent, replaced, undone];
}

const lists = [LIST, END_FILE, VERIFIED_FILE, PLACED_FILE, MOVED_FILE, UNDONE_FILE] as const;

/** The lists of a directory and the names in them. Throws where one is there and cannot be read. */
async function listedIn(directory: string, node: string, reach: Reach): Promise<readonly string[]> {
  const { named: host } = nodeAt(reach, node);
  const names: string[] = [];
  for (const list of lists) {
    const path = join(directory, list);
    const read = await host.read(path, LIST_LIMIT_BYTES, reach.signal);
    if (!read.ok && read.why === 'absent') continue;
    if (!read.ok) throw new Error(`${path} could not be read: ${read.detail}`);
    names.push(path, ...pathsIn(parsed(decodeText(read.value))));
  }
  return names;
}

/** What a restore sent, by its plan. */
function plannedNames(action: Action, directory: string): readonly string[] {
  return action.kind === 'data.send' ? action.files.map(({ to }) => join(directory, to)) : [];
}

/** Every `kept` and `to` of a record, however deep. */
function pathsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(pathsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    (key === 'kept' || key === 'to') && typeof each === 'string' ? [each] : pathsIn(each),
  );
}

function parsed(text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    return undefined;
  }
}

/** Whether a path is below a directory, as it is written: no `..` leads out of it. */
export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`) && normalize(path) === path;
}
