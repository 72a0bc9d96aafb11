import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Running } from './running.js';

/** How a child ended, once its outputs are closed too. Rejects with the system's error when it could not be started. */
export interface ChildEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

/** Starts a program without a shell, in a process group of its own and without a terminal that it could ask on. */
export function startChild(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcessWithoutNullStreams {
  const child = spawn(program, args, { detached: true, env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  return child;
}

/** Resolves when the child has ended and its outputs are closed. */
export function childEnd(child: ChildProcess): Promise<ChildEnd> {
  const end = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal }));
  });
  end.catch(() => undefined);
  return end;
}

/** Sends a signal to the child's whole group; nothing happens when it is gone. */
export function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone already.
  }
}

/** A child as a command under way; `kill` ends its whole group. */
export function runningChild(child: ChildProcessWithoutNullStreams): Running {
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: childEnd(child),
    kill: () => {
      signalGroup(child, 'SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}
