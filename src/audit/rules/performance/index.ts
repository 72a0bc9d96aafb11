import type { AuditRule } from '../../rule.js';
import { logfileLost, logfileShared, loglevelDebug } from './logs.js';
import { maxmemoryDiffers, maxmemoryTiny, maxmemoryTooHigh } from './maxmemory.js';
import { maxmemoryUnset } from './maxmemory-unset.js';
import { latencyMonitorOff, nofileLimit, replNodelay, slowlogOff, tcpKeepaliveOff } from './tuning.js';

/** Rules about speed, memory and the machine. */
export const performanceRules: readonly AuditRule[] = [
  maxmemoryTiny,
  maxmemoryTooHigh,
  maxmemoryUnset,
  maxmemoryDiffers,
  nofileLimit,
  loglevelDebug,
  logfileLost,
  logfileShared,
  tcpKeepaliveOff,
  replNodelay,
  slowlogOff,
  latencyMonitorOff,
];
