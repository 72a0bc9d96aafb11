import type { Channel, ExecOptions, ExecResult } from '../channel.js';
import { onAbort } from '../reading.js';
import { type Command, openStandingShell, type StandingShell } from './standing-shell.js';

/** Of the eight sessions that we may have on a host; the others are for streams and for what has an input. */
const MOST_SHELLS = 3;
/**
 * A shell that has nothing to do leaves its session to others: a host may open no more than one (MaxSessions). It does so
 * when somebody waits for one, or, where the channel does not tell that, after a while.
 */
const LEAST_IDLE_MS = 1000;
const MOST_IDLE_MS = 10_000;
/** On a slow line a new shell costs more, and the next script comes later: it rests for as long as this many scripts take at least. */
const IDLE_SCRIPTS = 20;

interface Waiting {
  readonly command: Command;
  readonly options: ExecOptions;
  readonly signal: AbortSignal;
  readonly resolve: (result: ExecResult) => void;
  readonly reject: (error: unknown) => void;
}

/** An input that is larger gets a session of its own, and is written as it is. */
const MOST_INPUT_BYTES = 64 * 1024;

/** Says so when the shell's printf is its own: one that is a program would show what it writes to everybody (ps). */
const OWN_PRINTF = `case $(command -V printf 2> /dev/null) in *builtin*) echo own ;; esac`;

/** Runs scripts on shells that stay open between them. */
export interface ShellPool {
  /**
   * Whether a script with these options may run here: its input is none, or public, or short, and the shell can give it
   * to the script without showing it to anybody. Rejects as `exec`.
   */
  takes(options: ExecOptions, signal: AbortSignal): Promise<boolean>;
  /** As `Channel.exec`. What was begun when the connection was lost is never repeated. */
  exec(command: Command, options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  close(): void;
}

/** A pool of shells that `command` gives; nothing is opened before the first script. */
export function shellPool(channel: Channel, command: string): ShellPool {
  const waiting: Waiting[] = [];
  const idle = new Map<StandingShell, NodeJS.Timeout>();
  const gone = new WeakSet<StandingShell>();
  let shells = 0;
  let fastestMs = Number.POSITIVE_INFINITY;
  const isCrowded = channel.onCrowd?.(closeIdle);

  function next(): void {
    while (waiting.length > 0 && idle.size > 0) {
      const [found] = idle;
      if (found === undefined) return;
      clearTimeout(found[1]);
      idle.delete(found[0]);
      void work(found[0]);
    }
    if (waiting.length > 0 && shells < MOST_SHELLS) void open();
  }

  async function open(): Promise<void> {
    shells += 1;
    try {
      const shell = await openStandingShell(channel, command);
      void shell.over.then(() => {
        gone.add(shell);
        forgetIdle(shell);
      });
      void work(shell);
    } catch (error) {
      shells -= 1;
      waiting.shift()?.reject(error);
      next();
    }
  }

  async function work(shell: StandingShell): Promise<void> {
    if (gone.has(shell)) return spend();
    const script = waiting.shift();
    if (script === undefined) return rest(shell);
    let isSpent = true;
    const beganMs = performance.now();
    try {
      const ended = await shell.run(script);
      fastestMs = Math.min(fastestMs, performance.now() - beganMs);
      isSpent = ended.isSpent;
      script.resolve(ended.result);
    } catch (error) {
      script.reject(error);
    }
    return isSpent ? spend() : work(shell);
  }

  function spend(): void {
    shells -= 1;
    next();
  }

  function rest(shell: StandingShell): void {
    if (isCrowded?.()) {
      shells -= 1;
      shell.close();
      return;
    }
    const idleMs = isCrowded ? MOST_IDLE_MS : Math.min(MOST_IDLE_MS, Math.max(LEAST_IDLE_MS, IDLE_SCRIPTS * fastestMs));
    const timer = setTimeout(() => {
      forgetIdle(shell);
      shell.close();
    }, idleMs);
    idle.set(shell, timer);
  }

  function closeIdle(): void {
    for (const [shell, timer] of idle) {
      clearTimeout(timer);
      shell.close();
    }
    shells -= idle.size;
    idle.clear();
  }

  /** A shell that ended while it rested, with its connection, takes no script any more: nothing is in doubt then. */
  function forgetIdle(shell: StandingShell): void {
    clearTimeout(idle.get(shell));
    if (idle.delete(shell)) shells -= 1;
  }

  let hidesInput: Promise<boolean> | undefined;
  /** Asked for everybody who waits for it: one that stops waiting does not end it. */
  async function ownPrintf(): Promise<boolean> {
    const said = await exec(OWN_PRINTF, { timeoutMs: 10_000, limitBytes: 4096 }, new AbortController().signal);
    return said.status === 0 && new TextDecoder().decode(said.stdout) === 'own\n';
  }

  function exec(asked: Command, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const script: Waiting = {
        command: asked,
        options,
        signal,
        resolve: (result) => done(() => resolve(result)),
        reject: (error) => done(() => reject(error)),
      };
      const leave = () => {
        const at = waiting.indexOf(script);
        if (at < 0) return;
        waiting.splice(at, 1);
        reject(signal.reason);
      };
      const forget = onAbort(signal, leave);
      const done = (settle: () => void) => {
        forget();
        settle();
      };
      waiting.push(script);
      next();
    });
  }

  return {
    exec,
    takes: async ({ stdin, stdinIsPublic }, signal) => {
      if (stdin === undefined || stdinIsPublic === true) return true;
      if (stdin.length > MOST_INPUT_BYTES) return false;
      signal.throwIfAborted();
      hidesInput ??= ownPrintf().catch((error: unknown) => {
        hidesInput = undefined;
        throw error;
      });
      return hidesInput;
    },
    close: closeIdle,
  };
}
