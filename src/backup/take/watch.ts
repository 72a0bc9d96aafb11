import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import type { WritableHost } from '../../hosts/host.js';
import { fleetHolder, type Mark } from './mark.js';

const LOOK_EVERY_MS = 1000;
const RENEW_EVERY_MS = 15_000;

/** Ends the backup's own work when somebody with a better right comes. */
export interface Watch {
  /** Ends with a RunbookError as its reason: a run has taken the fleet, or another backup the mark. */
  readonly signal: AbortSignal;
  end(): Promise<void>;
}

/**
 * Looks once a second whether a run has taken the lock on the host that is copied from, and keeps our mark alive. A
 * recovery never waits for a backup: the backup sees its lock and lets go.
 */
export function watchFleet(host: WritableHost, mark: Mark | undefined, outer: AbortSignal): Watch {
  const over = new AbortController();
  const found = new AbortController();
  const signal = AbortSignal.any([outer, found.signal]);
  const give = (error: unknown) =>
    found.abort(error instanceof RunbookError ? error : new RunbookError('unknown', String(error)));
  const running = watching(host, mark, AbortSignal.any([signal, over.signal]), give);
  return {
    signal,
    end: async () => {
      over.abort();
      await running;
    },
  };
}

async function watching(
  host: WritableHost,
  mark: Mark | undefined,
  signal: AbortSignal,
  give: (error: unknown) => void,
): Promise<void> {
  let renewed = performance.now();
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const holder = await fleetHolder([host], signal);
    if (holder !== undefined) give(holder);
    if (performance.now() - renewed < RENEW_EVERY_MS) continue;
    renewed = performance.now();
    await mark?.renew().catch((error: unknown) => {
      // A host that does not answer ends the copy by itself; only a mark that is somebody else's ends it here.
      if (error instanceof RunbookError && error.word === 'locked') give(error);
    });
  }
}

/** Waits until no run holds the fleet. Rejects with RunbookError `locked` when one still does after `limitMs`. */
export async function untilFleetIsFree(
  hosts: readonly WritableHost[],
  limitMs: number,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + limitMs;
  let told = false;
  for (;;) {
    const holder = await fleetHolder(hosts, signal);
    if (holder === undefined) return;
    if (performance.now() >= until) throw holder;
    if (!told) tell(`${holder.message} Waiting.`);
    told = true;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
