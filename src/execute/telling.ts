import type { At } from './tools.js';

const LOOK_EVERY_MS = 3000;

/**
 * Awaits work that may take long, and tells those who watch what is seen of it meanwhile. `look` only reads; what it
 * throws is told as not seen.
 */
export async function telling<T>(
  at: At,
  says: string,
  limitMs: number,
  look: () => Promise<string>,
  work: Promise<T>,
): Promise<T> {
  const begun = performance.now();
  let over = false;
  const tell = async () => {
    const seen = await look().catch(() => 'its progress could not be seen');
    if (!over) at.waiting(says, seen, Math.round(performance.now() - begun), limitMs);
  };
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void tell().finally(() => {
      busy = false;
    });
  }, LOOK_EVERY_MS);
  try {
    return await work;
  } finally {
    over = true;
    clearInterval(timer);
  }
}
