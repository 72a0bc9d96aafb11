import type { AuditRule } from '../../rule.js';
import { aofFormatMismatch } from './aof-format-mismatch.js';
import { aofTruncatedPolicy } from './aof-truncated-policy.js';
import { diskSpaceBackup } from './disk.js';
import { restartPolicyFightsRunbook, stopTimeoutShort } from './service.js';

/** Rules about a recovery that would fail. */
export const recoveryRules: readonly AuditRule[] = [
  diskSpaceBackup,
  stopTimeoutShort,
  restartPolicyFightsRunbook,
  aofFormatMismatch,
  aofTruncatedPolicy,
];
