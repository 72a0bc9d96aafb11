import { homedir } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { findFleetFile } from '../inventory/find.js';
import type { Secret } from '../model/secret.js';
import { type HandedOver, takeHandedOver } from './handed-over.js';
import type { HostOpener } from './host-opener.js';
import type { Stopper } from './stopper.js';

/** Everything that a command may know of the world it runs in; built once, before the command. */
export interface Context {
  /** Path of the fleet file as the operator gave it, or undefined when none was named and `./fleet.yaml` does not exist. */
  readonly fleetFile: string | undefined;
  readonly json: boolean;
  /** Lines only: no redrawing, waits repeated as lines. */
  readonly plain: boolean;
  readonly colour: boolean;
  /** 0, 1 for `-v`, 2 for `-vv`. */
  readonly verbose: number;
  readonly quiet: boolean;
  readonly noInput: boolean;
  /** Somebody can be asked: stdin and stderr are terminals. */
  readonly isTerminal: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Ended by the first Ctrl-C, SIGTERM, SIGHUP or end of input: stop after the action that is under way. */
  readonly signal: AbortSignal;
  /** Ended by the second one: stop now and leave the outcome of that action unknown. */
  readonly stopNow: AbortSignal;
  /** As if the operator had pressed Ctrl-C; `why` is shown. */
  stop(why: string): void;
  now(): Date;
  /** Question → secret, of those that were typed: what a process without a terminal will need. */
  readonly asked?: Map<string, Secret>;
  /** What this process got from the one that was asked at a terminal. */
  readonly handed?: HandedOver;
  /** Who opened hosts before, where a search came first: what was asked for logins is not asked again. */
  readonly opener?: HostOpener;
  /** What was typed for the search that made the fleet file: `pv1 --conf /data`. */
  readonly foundFrom?: string;
  /** A person said that the fleet that was found is the whole fleet. */
  readonly isWhole?: boolean;
  /** Where runs, labs and crash reports are kept; made with mode 0700 by whoever writes there first. */
  readonly stateDirectory: string;
}

/** The global flags as the parser gives them. */
export interface GlobalOptions {
  readonly fleet?: string;
  readonly group?: string;
  readonly survey?: string;
  readonly verbose?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly plain?: boolean;
  readonly color?: boolean;
  readonly input?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the streams of this process are. */
export interface Terminals {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly columns: number | undefined;
}

/** `$XDG_STATE_HOME/redis-runbook`, or `~/.local/state/redis-runbook`; a relative `$XDG_STATE_HOME` is ignored, as XDG demands. */
export function stateDirectory(env: Environment): string {
  const given = env.XDG_STATE_HOME;
  const base = given?.startsWith('/') ? given : join(env.HOME ?? homedir(), '.local', 'state');
  return join(base, 'redis-runbook');
}

/** How to show: pure, from the flags, the environment and what the streams are. */
export function looks(options: GlobalOptions, env: Environment, terminals: Terminals) {
  const dumb = env.TERM === 'dumb' || isSet(env.CI);
  const plain = options.plain === true || options.json === true || dumb || !terminals.stdout;
  const colour = !plain && options.color !== false && !isSet(env.NO_COLOR);
  const columns = terminals.columns ?? 80;
  return { plain, colour, columns: columns >= 20 ? columns : 80, isTerminal: terminals.stdin && terminals.stderr };
}

/** `CI=false` and `CI=0` are how a wrapper says that this is no CI. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}

/** The context of this process. Throws `no-fleet` when a fleet file is named that does not exist. */
export function createContext(options: GlobalOptions, stopper: Stopper): Context {
  const env = process.env;
  const handed = takeHandedOver(env);
  const terminals = { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2), columns: process.stdout.columns };
  return {
    fleetFile: findFleetFile(options.fleet, env, process.cwd()),
    json: options.json === true,
    ...looks(options, env, terminals),
    verbose: options.verbose ?? 0,
    quiet: options.quiet === true,
    noInput: options.input === false,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    signal: stopper.signal,
    stopNow: stopper.stopNow,
    stop: stopper.stop,
    now: () => new Date(),
    stateDirectory: stateDirectory(env),
    asked: new Map(),
    ...(handed ? { handed } : {}),
  };
}
