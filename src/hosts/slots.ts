import { onAbort } from './reading.js';

/** So many commands at once over one connection, the others wait in line. */
export interface Slots {
  /** Resolves with what gives the slot back; rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
  /** The host opened no more: from now on only as many as are under way without this one. False when none is. */
  shrink(): boolean;
}

/** sshd's MaxSessions is 10 unless set: two stay for others. */
export const MOST_SESSIONS = 8;

/** A line for `limit` slots. */
export function slots(limit: number): Slots {
  let most = limit;
  let taken = 0;
  const line: (() => void)[] = [];
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
      }),
    shrink: () => {
      if (taken <= 1) return false;
      most = Math.max(1, Math.min(most, taken - 1));
      return true;
    },
  };
}
