import { slots } from '../../hosts/slots.js';

/** What the backups of one command share: each waits for its turn where two at once would be in each other's way. */
export interface Turns {
  /** One snapshot at a time on a machine of the fleet: the memory for the next one was reckoned without it. `onWait` is called when there is a line. */
  onHost<T>(host: string, signal: AbortSignal, work: () => Promise<T>, onWait?: () => void): Promise<T>;
  /** So many at once keep this machine busy: with data that arrives, or is loaded to be counted. Whoever has a host's turn may ask for it, never the other way round: nobody keeps a place here while waiting for a host. */
  here<T>(signal: AbortSignal, work: () => Promise<T>, onWait?: () => void): Promise<T>;
}

/** Turns for one command. What waits rejects with its signal's reason. */
export function turnsOf(mostHere: number): Turns {
  const here = line(mostHere);
  const hosts = new Map<string, Line>();
  return {
    onHost: (host, signal, work, onWait) => {
      const own = hosts.get(host) ?? line(1);
      hosts.set(host, own);
      return own(signal, work, onWait);
    },
    here,
  };
}

type Line = <T>(signal: AbortSignal, work: () => Promise<T>, onWait?: () => void) => Promise<T>;

function line(limit: number): Line {
  const { take } = slots(limit);
  let inside = 0;
  return async (signal, work, onWait) => {
    inside += 1;
    if (inside > limit) onWait?.();
    try {
      const giveBack = await take(signal);
      return await work().finally(giveBack);
    } finally {
      inside -= 1;
    }
  };
}
