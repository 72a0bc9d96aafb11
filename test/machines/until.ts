import { setTimeout as pause } from 'node:timers/promises';
import { notYet, type Probe } from '../../src/lab/until.js';

const POLL_MS = 100;

/**
 * Looks until the condition holds and returns its value; once `limitMs` has passed, throws with what was seen last. A
 * probe that throws counts as "not yet".
 */
export async function until<T>(what: string, limitMs: number, look: () => Promise<Probe<T>>): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const probe = await look().catch((error: unknown) => notYet(String(error)));
    if (probe.holds) return probe.value;
    if (Date.now() >= end) throw new Error(`waited ${limitMs / 1000} s for ${what}; seen last: ${probe.seen}`);
    await pause(POLL_MS);
  }
}
