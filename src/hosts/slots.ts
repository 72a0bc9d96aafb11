import { onAbort } from './reading.js';

/** So many commands at once over one connection, the others wait in line. */
export interface Slots {
  /** Resolves with what gives the slot back; rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
  /**
   * The host opened no more: from now on only as many as are under way without this one. Resolves when it may be tried
   * again; false when the host opens none at all.
   */
  refused(): Promise<boolean>;
  /** The host has opened one. */
  opened(): void;
  /** Calls `tell` whenever somebody has to wait; the answer says whether somebody does now. */
  onCrowd(tell: () => void): () => boolean;
}

/** sshd's MaxSessions is 10 unless set: two stay for others. */
export const MOST_SESSIONS = 8;

/** sshd counts a session until its process is reaped, a moment after it has ended: then the only one is refused too. */
const LONELY_TRIES = 20;
const LONELY_WAIT_MS = 50;

/** A line for `limit` slots. */
export function slots(limit: number): Slots {
  let most = limit;
  let taken = 0;
  let lonely = 0;
  const line: (() => void)[] = [];
  const listeners: (() => void)[] = [];
  const next = () => {
    while (taken < most && line.length > 0) {
      taken += 1;
      line.shift()?.();
    }
  };
  const giveBack = () => {
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      taken -= 1;
      next();
    };
  };
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        const start = () => {
          forget();
          resolve(giveBack());
        };
        const leave = () => {
          const at = line.indexOf(start);
          if (at >= 0) line.splice(at, 1);
          reject(signal.reason);
        };
        let forget: () => void = () => undefined;
        line.push(start);
        forget = onAbort(signal, leave);
        next();
        if (line.includes(start)) for (const tell of listeners) tell();
      }),
    refused: async () => {
      if (taken > 1) {
        most = Math.max(1, Math.min(most, taken - 1));
        return true;
      }
      most = 1;
      lonely += 1;
      await new Promise((resolve) => setTimeout(resolve, LONELY_WAIT_MS));
      return lonely < LONELY_TRIES;
    },
    opened: () => {
      lonely = 0;
    },
    onCrowd: (tell) => {
      listeners.push(tell);
      return () => line.length > 0;
    },
  };
}
