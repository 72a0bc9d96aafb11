import { RunbookError } from '../errors.js';
import { isHandedOver } from './handed-over.js';

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type StopSignal = keyof typeof numbers;

const says: Readonly<Record<StopSignal, string>> = {
  SIGHUP: 'the terminal is gone',
  SIGINT: 'Ctrl-C',
  SIGTERM: 'this process was asked to end',
};

/** How the operator, the system or the end of input stops a run: once politely, a second time at once. */
export interface Stopper {
  readonly signal: AbortSignal;
  readonly stopNow: AbortSignal;
  /** The first call ends `signal`, the next one `stopNow`. */
  stop(why: string): void;
  /** 128 + the number of the first signal that came, or undefined. */
  status(): number | undefined;
}

/**
 * Listens to SIGINT, SIGTERM and SIGHUP from now on: none of them ends the process by itself any more. The reason of
 * both AbortSignals is a RunbookError `stopped`, so that `throwIfAborted` needs no translation.
 */
export function listenToSignals(): Stopper {
  const outlives = isHandedOver(process.env);
  const first = new AbortController();
  const second = new AbortController();
  let status: number | undefined;
  const stop = (why: string) => {
    const controller = first.signal.aborted ? second : first;
    controller.abort(new RunbookError('stopped', `stopped: ${why}.`));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // A run that was handed over has no terminal that could go away.
      if (name === 'SIGHUP' && outlives) return;
      status ??= 128 + numbers[name];
      stop(says[name]);
    });
  }
  return { signal: first.signal, stopNow: second.signal, stop, status: () => status };
}

/**
 * SIGUSR1 makes Node open its inspector on a port that every user of the machine can reach; a handler of our own takes
 * its place.
 */
export function closeInspectorDoor(): void {
  process.on('SIGUSR1', () => undefined);
}
