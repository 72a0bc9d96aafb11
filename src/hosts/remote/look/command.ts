import type { HostEntry, NodeEntry } from '../../../model/inventory.js';
import { evidenceErePattern } from '../../../redis/log.js';
import { sentinelEvidenceErePattern } from '../../../redis/sentinel-log.js';
import type { Limits } from '../../host.js';
import { holdPath, leftOutPath, lockPath } from '../../local-state.js';
import { shellLine } from '../../shell-quote.js';
import { scriptBase, scriptBegin } from './script-base.js';
import { scriptFiles } from './script-files.js';
import { scriptMachine } from './script-machine.js';
import { scriptBrief, scriptProcesses } from './script-processes.js';

/** Most bytes that one part (a node's files) may bring back, and the whole exchange. */
const PART_BYTES = 8 * 1024 * 1024;
export const EXCHANGE_BYTES = 12 * 1024 * 1024;

/**
 * One thing to look at on the host. `part` is the index of the node in its host's entry; readings of the host itself
 * have the index -1.
 */
export type Task =
  | { readonly task: 'processes' }
  | { readonly task: 'holder'; readonly inodes: readonly string[] }
  | { readonly task: 'units'; readonly units: readonly string[] }
  /** What systemd says of one unit now, these properties. */
  | { readonly task: 'unit'; readonly unit: string; readonly properties: readonly string[] }
  /** What server programs say of their version: the usual names, and these names or paths. */
  | { readonly task: 'servers'; readonly programs: readonly string[] }
  /** A config file and all that it leads to; `pid`: a process whose working directory may be another place of data. */
  | { readonly task: 'node'; readonly part: number; readonly node: NodeEntry; readonly pid?: number }
  | { readonly task: 'data'; readonly part: number; readonly names: readonly [string, string, string, string] }
  | { readonly task: 'log'; readonly part: number; readonly kind: NodeEntry['kind']; readonly path: string }
  | { readonly task: 'state' | 'config' | 'glob' | 'edges'; readonly part: number; readonly path: string };

function wordsOf(task: Task): readonly string[] {
  switch (task.task) {
    case 'processes':
      return [];
    case 'holder':
      return [task.inodes.join('\n')];
    case 'unit':
      return [task.unit, task.properties.join(',')];
    case 'units':
      return [task.units.join('\n')];
    case 'servers':
      return [task.programs.join('\n')];
    case 'node':
      return [String(task.part), task.node.kind, task.node.config, task.pid === undefined ? '' : String(task.pid)];
    case 'data':
      return [String(task.part), ...task.names];
    case 'log':
      return [String(task.part), task.kind, task.path];
    default:
      return [String(task.part), task.path];
  }
}

/** The files of the host itself in its state directory. */
export function stateTasks(entry: HostEntry): readonly Task[] {
  return [lockPath(entry), leftOutPath(entry)].map((path) => ({ task: 'state', part: -1, path }));
}

/** What is asked first: everything, with the right of the login user. */
export function firstTasks(entry: HostEntry): readonly Task[] {
  const units = entry.nodes
    .map((node) => node.unit)
    .filter((unit) => /^[\w@.:\\-]+$/.test(unit) && !unit.startsWith('-'));
  const asksUnits = units.length > 0 && entry.service !== 'process';
  return [
    { task: 'processes' },
    ...(asksUnits ? [{ task: 'units' as const, units }] : []),
    ...(entry.nodes.some(({ kind }) => kind === 'redis')
      ? [{ task: 'servers' as const, programs: startedPrograms(entry) }]
      : []),
    ...stateTasks(entry),
    ...entry.nodes.flatMap((node, part): Task[] => [
      { task: 'node', part, node },
      { task: 'state', part, path: holdPath(entry, node) },
    ]),
  ];
}

/** What fleet.yaml says that starts the redis nodes, where a shell can tell it as one word. */
function startedPrograms(entry: HostEntry): readonly string[] {
  const programs = entry.nodes.filter((node) => node.kind === 'redis').flatMap((node) => node.start.slice(0, 1));
  return [...new Set(programs)].filter((program) => /^[\w@%+=:,./-]+$/.test(program) && !program.startsWith('-'));
}

function scriptOf(...parts: readonly string[]): string {
  return `${scriptBegin}${parts.join('')}"$@"\n`.replace(/^ *#.*\n/gm, '');
}

const whole = scriptOf(scriptBase, scriptFiles, scriptProcesses, scriptMachine);
const brief = scriptOf(scriptProcesses, scriptBrief);

/**
 * Limits as environment, then the script under the host's own `timeout` where there is one: a reading that hangs there
 * (a pipe put in place of a log, a dead network disk) must not outlive the look.
 */
const starter = `LOOK_LIMIT= LOOK_SECONDS=$1 LOOK_EDGE=$2 LOOK_TEXT=$3 LOOK_LOG=$4 LOOK_TAIL=$5 LOOK_PART=$6 LOOK_REDIS=$7 LOOK_SENTINEL=$8 LOOK=$9
export LOOK LOOK_EDGE LOOK_TEXT LOOK_LOG LOOK_TAIL LOOK_PART LOOK_REDIS LOOK_SENTINEL
shift 9
if timeout -s KILL 5 true 2>/dev/null; then
  LOOK_LIMIT='timeout -s KILL 2'; export LOOK_LIMIT
  exec timeout -s KILL "$LOOK_SECONDS" sh -c "$LOOK" sh main "$@"
fi
exec sh -c "$LOOK" sh main "$@"`;

/** The same for a look at processes, of which there are many: only when `timeout` did not run the script it is run without. */
const briefStarter = `seconds=$1 look=$2; shift 2
timeout -s KILL "$seconds" sh -c "$look" sh main "$@"
case $? in 0|124|137) exit 0 ;; esac
exec sh -c "$look" sh main "$@"`;

/** What the brief script can do. */
const briefTasks: readonly Task['task'][] = ['processes', 'holder', 'unit'];

/** The argument list that carries out `tasks`; its standard input is the line of marks. Nothing in it is secret. */
function lookArgv(tasks: readonly Task[], limits: Limits, asksSudo: boolean): readonly string[] {
  const seconds = Math.max(1, Math.floor((limits.lookTimeoutMs - 500) / 1000));
  const asked = tasks.flatMap((task) => {
    const words = wordsOf(task);
    return [task.task, String(words.length), ...words];
  });
  if (!asksSudo && tasks.every(({ task }) => briefTasks.includes(task))) {
    return ['sh', '-c', briefStarter, 'sh', String(seconds), brief, 'no', ...asked];
  }
  const numbers = [seconds, limits.edgeBytes, limits.textBytes + 1, limits.logBytes, limits.logTailLines, PART_BYTES];
  const patterns = [evidenceErePattern, sentinelEvidenceErePattern];
  return ['sh', '-c', starter, 'sh', ...numbers.map(String), ...patterns, whole, asksSudo ? 'yes' : 'no', ...asked];
}

/** The same as one line for a channel. */
export function lookCommand(tasks: readonly Task[], limits: Limits, asksSudo: boolean): string {
  return shellLine(lookArgv(tasks, limits, asksSudo));
}
