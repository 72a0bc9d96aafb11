import type { AuditRule } from '../../rule.js';
import { aofTruncatedPolicy } from './aof-truncated-policy.js';

/** Rules about a recovery that would fail. */
export const recoveryRules: readonly AuditRule[] = [aofTruncatedPolicy];
