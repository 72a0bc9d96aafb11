import { type ChildProcess, spawn } from 'node:child_process';
import { afterAwake } from './awake.js';
import type { RunOptions, RunOutput } from './host.js';
import { onAbort } from './reading.js';

const DEFAULT_LIMIT_BYTES = 1024 * 1024;
/** A daemon that kept our pipes open must not hold the answer back once the command itself has ended. */
const PIPES_AFTER_EXIT_MS = 100;

/** The environment that commands get: nothing of ours but where programs and the home directory are. */
export function minimalEnvironment(): Record<string, string> {
  const { PATH, HOME, TZ } = process.env;
  return {
    PATH: PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    ...(HOME === undefined ? {} : { HOME }),
    ...(TZ === undefined ? {} : { TZ }),
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** Collects both outputs up to a common limit; `onFull` is called once when it is passed. */
function collect(child: ChildProcess, limitBytes: number, onFull: () => void) {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let left = limitBytes;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Uint8Array) => {
      if (chunk.length > left) onFull();
      if (left > 0) chunks[name].push(chunk.subarray(0, left));
      left = Math.max(0, left - chunk.length);
    });
  }
  return (name: 'stdout' | 'stderr') => Buffer.concat(chunks[name]).toString('utf8');
}

/** Starts the program with its input; its process group has the program's pid. */
function launch(program: string, args: readonly string[], options: RunOptions) {
  const child = spawn(program, args, {
    detached: true,
    env: minimalEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  return child;
}

/** How the program ended, once its outputs are closed too; a daemon that kept them open is not waited for. */
function ended(child: ChildProcess): Promise<Pick<RunOutput, 'status' | 'signal'>> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      const closed = afterAwake(PIPES_AFTER_EXIT_MS, () => resolve({ status, signal }));
      child.once('close', () => {
        closed();
        resolve({ status, signal });
      });
    });
  });
}

/**
 * Runs a command without a shell, in a process group of its own, with a minimal environment. Over its time or above
 * its bytes the whole group is killed; both are seen in the output (`timedOut`, `signal`). Rejects with the system's
 * error when it cannot be started, and with the signal's reason when that ends.
 */
export async function runCommand(
  argv: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunOutput> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('an empty command');
  signal.throwIfAborted();
  const child = launch(program, args, options);
  const textOf = collect(child, options.limitBytes ?? DEFAULT_LIMIT_BYTES, () => killGroup(child));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, options.timeoutMs);
  const forget = onAbort(signal, () => killGroup(child));
  try {
    const end = await ended(child);
    signal.throwIfAborted();
    return { ...end, stdout: textOf('stdout'), stderr: textOf('stderr'), timedOut };
  } finally {
    clearTimeout(timer);
    forget();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
