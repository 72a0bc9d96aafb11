import type { AuditFinding, AuditReport, RuleClass, Severity } from '../model/audit.js';
import { ruleClasses } from '../model/audit.js';
import type { NotSeen } from '../model/seen.js';
import { count, listed } from './quantities.js';

/** What a class means on a screen. */
export const classSays: Readonly<Record<RuleClass, string>> = {
  'will-not-start': 'Will not start',
  'data-loss': 'Data will be lost',
  failover: 'Failover will not work',
  security: 'Security',
  recovery: 'Recovery would fail',
  drift: 'Files, processes and nodes disagree',
  performance: 'Performance and host',
};

const classTells: Readonly<Record<RuleClass, string>> = {
  'will-not-start': 'would not start as its files are',
  'data-loss': 'could lose data',
  failover: 'could not fail over reliably',
  security: 'lets in whom it should not',
  recovery: 'could not be recovered as planned',
  drift: 'does not run what its files say',
  performance: 'would slow down or run out of something',
};

/** Findings of one cause: one rule, one severity, the same words. */
export interface Cause {
  readonly rule: string;
  readonly class: RuleClass;
  readonly severity: Severity;
  readonly message: string;
  readonly findings: readonly AuditFinding[];
}

/** The findings that are not waived, one entry per cause, in their order. */
export function causesOf(findings: readonly AuditFinding[]): readonly Cause[] {
  const causes = new Map<string, Cause & { findings: AuditFinding[] }>();
  for (const finding of findings) {
    if (finding.waived !== undefined) continue;
    const key = JSON.stringify([finding.rule, finding.severity, finding.message]);
    const same = causes.get(key);
    if (same === undefined) causes.set(key, { ...finding, findings: [finding] });
    else same.findings.push(finding);
  }
  return [...causes.values()];
}

/** What is true, in one or two sentences. */
export function auditHeadline(report: AuditReport): string {
  const causes = causesOf(report.findings);
  const open = report.findings.filter(({ waived }) => waived === undefined);
  const [worst] = causes;
  const name = nameOf(report);
  const classes = ruleClasses.filter((each) =>
    causes.some((cause) => cause.class === each && cause.severity === 'error'),
  );
  const blind =
    report.unreached.length === 0
      ? ''
      : ` ${report.unreached.length} of ${count(report.hosts.length, 'host')} could not be checked.`;
  if (worst === undefined) {
    return report.passed === 0
      ? `Nothing about ${name} could be checked.${blind}`
      : `No finding about ${name}.${blind}`;
  }
  const of = (severity: Severity) => open.filter((one) => one.severity === severity).length;
  const numbers = [count(of('error'), 'error'), count(of('warning'), 'warning'), count(of('info'), 'note')]
    .filter((words) => !words.startsWith('0 '))
    .join(', ');
  const total = `${count(open.length, 'finding')}, ${count(causes.length, 'cause')}`;
  const tells = classes.length === 0 ? 'has no error' : listed(classes.map((each) => classTells[each]));
  return `${name} ${tells}: ${numbers} (${total}).${blind}`;
}

function nameOf({ fleet, groups }: AuditReport): string {
  const named = groups.filter((group) => group !== '');
  return named.length === 1 ? (named[0] ?? fleet) : fleet;
}

/** `live, redis-7.0.15, profile production`. */
export function auditSource(report: AuditReport): string {
  const version = report.targets.join(', ');
  const assumed = report.targetAssumed ? ' (assumed: --target tells which)' : '';
  return `${report.from}, ${version}${assumed}, profile ${report.profile}`;
}

/** Why what could not be checked was not, one line per reason: how many checks, of whom. */
export function notCheckedLines({ from, notChecked }: Pick<AuditReport, 'from' | 'notChecked'>): string[] {
  const reasons = new Map<string, { checks: Set<string>; of: Set<string> }>();
  for (const one of notChecked) {
    const of = one.node ?? one.host ?? one.group ?? '';
    const [first] = one.missing;
    const reason = reasonOf(first, from);
    const entry = reasons.get(reason) ?? { checks: new Set(), of: new Set() };
    entry.checks.add(`${one.rule} ${of}`);
    entry.of.add(of);
    reasons.set(reason, entry);
  }
  return [...reasons]
    .sort(([, a], [, b]) => b.checks.size - a.checks.size)
    .map(([reason, { checks, of }]) => `${count(checks.size, 'check')} on ${some([...of])}: ${reason}`);
}

function reasonOf(missing: NotSeen | undefined, from: AuditReport['from']): string {
  if (missing === undefined) return 'no reason is known';
  const unasked =
    missing.why === 'not-asked' && /^(?:the look brought no|a file cannot tell|the rights of)/.test(missing.detail);
  return from === 'files' && unasked
    ? 'files cannot tell, only the fleet as it runs'
    : `${missing.detail} (${missing.why})`;
}

/** At most four names, and how many more there are. */
export function some(names: readonly string[]): string {
  const shown = names.filter((name) => name !== '');
  return shown.length <= 4 ? shown.join(' ') : `${shown.slice(0, 3).join(' ')} and ${shown.length - 3} more`;
}
