const SLICES = 8;

/**
 * Calls `end` once after `limitMs` in which this process ran. Time in which it stood still (a busy machine, a laptop that
 * slept) counts as an eighth of the limit at most, and what had arrived by then is read first: a server is not called silent
 * because nobody listened. Returns what takes it back.
 */
export function afterAwake(limitMs: number, end: () => void): () => void {
  let left = SLICES;
  let late: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    late = setImmediate(end);
  }, limitMs / SLICES);
  return () => {
    clearInterval(timer);
    clearImmediate(late);
  };
}
