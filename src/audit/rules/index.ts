import type { AuditRule } from '../rule.js';
import { dataLossRules } from './data-loss/index.js';
import { driftRules } from './drift/index.js';
import { failoverRules } from './failover/index.js';
import { performanceRules } from './performance/index.js';
import { recoveryRules } from './recovery/index.js';
import { securityRules } from './security/index.js';
import { willNotStartRules } from './will-not-start/index.js';

/** Every rule of this version, by class. */
export const allRules: readonly AuditRule[] = [
  ...willNotStartRules,
  ...dataLossRules,
  ...failoverRules,
  ...securityRules,
  ...recoveryRules,
  ...driftRules,
  ...performanceRules,
];
