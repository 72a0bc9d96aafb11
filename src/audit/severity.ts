import type { Severity } from '../model/audit.js';
import type { Policy } from './policy.js';
import type { AuditRule } from './rule.js';

const steps: readonly Severity[] = ['info', 'warning', 'error'];

/**
 * How bad a rule is under a policy, or that it does not count. The policy's own word wins, then what the rule says of the
 * profile, then the profile: `dev` drops rules about hosts and takes topology and security one step down.
 */
export function severityOf(rule: AuditRule, policy: Policy): Severity | 'off' {
  const own = policy.severity.get(rule.id) ?? rule.profiles?.[policy.profile];
  if (own !== undefined) return own;
  if (policy.profile !== 'dev') return rule.severity;
  if (rule.scope === 'host') return 'off';
  return rule.scope === 'topology' || rule.class === 'security' ? milder(rule.severity, 1) : rule.severity;
}

/** The severity of one problem: where the rule calls it worse or milder than usual, by as many steps as it would have been. */
export function problemSeverity(rule: AuditRule, own: Severity | undefined, policy: Policy, now: Severity): Severity {
  if (own === undefined || policy.severity.has(rule.id)) return now;
  return milder(own, steps.indexOf(rule.severity) - steps.indexOf(now));
}

/** Negative, zero or positive as `a` is worse than, equal to or milder than `b`. */
export function compareSeverity(a: Severity, b: Severity): number {
  return steps.indexOf(b) - steps.indexOf(a);
}

function milder(severity: Severity, by: number): Severity {
  return steps[Math.min(2, Math.max(0, steps.indexOf(severity) - by))] ?? 'info';
}
