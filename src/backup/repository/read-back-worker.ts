import { parentPort, workerData } from 'node:worker_threads';
import type { ToReader } from './read-back.js';
import { backReader } from './reading-back.js';

/** The thread of `readBackIn`: reads as far as it is told. */
function listen({ fd, isRdb }: { readonly fd: number; readonly isRdb: boolean }): void {
  const reader = backReader(fd, isRdb);
  parentPort?.on('message', (told: ToReader) => {
    if (told === 'end') parentPort?.postMessage(reader.end());
    else reader.upTo(told);
  });
}

listen(workerData);
