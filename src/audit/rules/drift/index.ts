import type { AuditRule } from '../../rule.js';
import { duplicateDirective } from './duplicate-directive.js';

/** Rules about files, processes and nodes that say different things. */
export const driftRules: readonly AuditRule[] = [duplicateDirective];
