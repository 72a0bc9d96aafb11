import type { AuditRule } from '../../rule.js';
import { noPasswordExposed } from './no-password-exposed.js';
import { weakPassword } from './weak-password.js';

/** Rules about who is let in. */
export const securityRules: readonly AuditRule[] = [noPasswordExposed, weakPassword];
