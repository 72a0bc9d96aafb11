import { Worker } from 'node:worker_threads';

/** Watches from a thread of its own: one input that takes longer than the limit ends this process, with its name. */
export interface Watchdog {
  /** The next input is begun. */
  begin(seed: number): void;
  end(): Promise<void>;
}

const watch = `
const { workerData, parentPort } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const cells = new Float64Array(workerData.shared);
setInterval(() => {
  const [seed, began] = cells;
  if (began === 0 || Date.now() - began < workerData.limitMs) return;
  writeSync(2, '\\nfuzz: seed ' + seed + ' did not end within ' + workerData.limitMs + ' ms\\n');
  process.kill(process.pid, 'SIGKILL');
}, 200);
`;

/** A synchronous loop cannot be ended by a timer of the same thread. */
export function watchdog(limitMs: number): Watchdog {
  const shared = new SharedArrayBuffer(16);
  const cells = new Float64Array(shared);
  const worker = new Worker(watch, { eval: true, workerData: { shared, limitMs } });
  worker.unref();
  return {
    begin(seed) {
      cells[1] = Date.now();
      cells[0] = seed;
    },
    async end() {
      await worker.terminate();
    },
  };
}
