import type { AuditRule } from '../../rule.js';

/** Rules about files with which the server refuses to start. */
export const willNotStartRules: readonly AuditRule[] = [];
