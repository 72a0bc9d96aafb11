import type { AuditRule } from '../../rule.js';
import { aofTruncatedPolicy } from './aof-truncated-policy.js';
import { restartPolicyFightsRunbook, stopTimeoutShort } from './service.js';

/** Rules about a recovery that would fail. */
export const recoveryRules: readonly AuditRule[] = [stopTimeoutShort, restartPolicyFightsRunbook, aofTruncatedPolicy];
