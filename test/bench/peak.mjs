// Imported into a measured process: says its largest resident set at its end.
import { writeSync } from 'node:fs';

process.on('exit', () => {
  writeSync(2, `peak ${process.resourceUsage().maxRSS * 1024}\n`);
});
