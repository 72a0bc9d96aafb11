import { setTimeout as pause } from 'node:timers/promises';
import { RunbookError } from '../errors.js';

const POLL_MS = 40;

/** What one look at a condition found: it holds, with a value, or what was seen instead. */
export type Probe<T> = { readonly holds: true; readonly value: T } | { readonly holds: false; readonly seen: string };

/** A condition that holds. */
export function holds<T>(value: T): Probe<T> {
  return { holds: true, value };
}

/** A condition that does not hold yet, and what was seen. */
export function notYet(seen: string): Probe<never> {
  return { holds: false, seen };
}

/**
 * Looks until the condition holds and returns its value. Throws RunbookError `lab` with what was seen last once
 * `limitMs` has passed. A probe that throws counts as "not yet", with its message.
 */
export async function until<T>(what: string, limitMs: number, look: () => Promise<Probe<T>>): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const probe = await look().catch((error: unknown) =>
      notYet(error instanceof Error ? error.message : String(error)),
    );
    if (probe.holds) return probe.value;
    if (Date.now() >= end) {
      throw new RunbookError('lab', `The lab waited ${limitMs / 1000} s for: ${what}.`, {
        facts: [`Seen last: ${probe.seen}`],
      });
    }
    await pause(POLL_MS);
  }
}
