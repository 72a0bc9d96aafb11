import type { Weighed } from '../model/plan.js';
import type { RunningRedis } from '../model/survey.js';

/** How far a running master had come when it was looked at: what it accepts after that was never weighed. */
export function weighedAt({ replid, offset, writeCalls }: RunningRedis): Weighed {
  return { replid, offset, ...(writeCalls === undefined ? {} : { writes: writeCalls }) };
}
