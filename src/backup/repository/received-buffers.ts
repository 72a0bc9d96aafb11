import { setFlagsFromString } from 'node:v8';

/** V8 of Node 20 to 24; one that does not know the setting would complain on standard error. */
const KNOWN = /^1[123]\./;
let isSet = false;

/**
 * For a process through which gigabytes go in buffers that are used once. V8 sweeps such buffers in a thread of its own and counts
 * them as memory in use until that is over, which has it search the whole heap again and again meanwhile (seen on Node
 * 20: 27 to 60 searches for each GiB, 2 with this; a third of the processor time of receiving it). The setting is looked at
 * when a sweep begins (array-buffer-sweeper.cc), so it may be changed at any time.
 */
export function sweepBuffersAtOnce(): void {
  if (isSet || !KNOWN.test(process.versions.v8)) return;
  isSet = true;
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
}
