import type { AuditRule } from '../../rule.js';
import { maxmemoryUnset } from './maxmemory-unset.js';

/** Rules about speed, memory and the machine. */
export const performanceRules: readonly AuditRule[] = [maxmemoryUnset];
