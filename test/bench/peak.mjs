// Imported into a measured process: says its largest resident set (bytes) and its processor time (microseconds) at its end.
import { writeSync } from 'node:fs';

// Threads import it, too, and have no end of their own to tell of.
import { isMainThread } from 'node:worker_threads';

if (isMainThread)
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    writeSync(2, `peak ${maxRSS * 1024} cpu ${userCPUTime + systemCPUTime}\n`);
  });
