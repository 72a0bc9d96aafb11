import { ChannelLost } from './channel.js';
import { onAbort } from './reading.js';

/** A connection that knows when it is gone. */
interface Losable {
  readonly lost: AbortSignal;
  close(): unknown;
}

/** One connection for everybody who asks. */
export interface Shared<T> {
  /** The connection, made when there is none; the signal ends only this wait. Rejects with what making it rejected with. */
  get(signal: AbortSignal): Promise<T>;
  /** Closes it for good: whoever asks afterwards gets ChannelLost. */
  close(): Promise<void>;
}

/** Waits for a promise that others wait for too: the signal ends only this wait. */
function waitFor<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(forget);
  });
}

/** Makes a connection on demand, and a new one when it was lost. A failed try is not kept: the next call tries again. */
export function shared<T extends Losable>(host: string, make: (signal: AbortSignal) => Promise<T>): Shared<T> {
  const closing = new AbortController();
  let current: Promise<T> | undefined;
  return {
    get: (signal) => {
      if (closing.signal.aborted) return Promise.reject(new ChannelLost(`the connection to ${host} is closed`));
      if (current === undefined) {
        const made = make(closing.signal);
        const forget = () => {
          if (current === made) current = undefined;
        };
        current = made;
        made.then(({ lost }) => onAbort(lost, forget), forget);
      }
      return waitFor(current, signal);
    },
    close: async () => {
      const connection = current;
      closing.abort(new ChannelLost(`the connection to ${host} is closed`));
      await connection?.then(
        (made) => made.close(),
        () => undefined,
      );
    },
  };
}
