/** How a machine ends: shut down in order, or without power from one moment to the next. */
export type Stop = 'clean' | 'crash';

/** The signal by which a machine's end reaches its processes. */
export function signalOf(stop: Stop): NodeJS.Signals {
  return stop === 'clean' ? 'SIGTERM' : 'SIGKILL';
}
