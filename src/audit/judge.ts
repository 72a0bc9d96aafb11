import type { AuditFinding, AuditReport, NotChecked } from '../model/audit.js';
import { ruleClasses } from '../model/audit.js';
import { type Baseline, newFindings } from './baseline.js';
import { findingOf } from './finding.js';
import { covers, isExpired, type Policy } from './policy.js';
import type { Answered, AuditRule } from './rule.js';
import { compareSeverity, problemSeverity, severityOf } from './severity.js';
import { inRange, printTarget } from './target.js';
import type { FleetView } from './view.js';

/** What one audit is made with. */
export interface Judging {
  readonly rules: readonly AuditRule[];
  readonly policy: Policy;
  readonly baseline?: Baseline;
  /** `2026-11-21`, for the expiry of waivers. */
  readonly today: string;
}

interface Tally {
  readonly findings: AuditFinding[];
  readonly notChecked: NotChecked[];
  readonly notes: string[];
  passed: number;
  notApplicable: number;
}

/** Asks every rule about the fleet and says what it answered. Pure: the same view and policy give the same report. */
export function judge(fleet: FleetView, judging: Judging): AuditReport {
  const tally: Tally = { findings: [], notChecked: [], notes: [], passed: 0, notApplicable: 0 };
  for (const rule of judging.rules) judgeRule(fleet, rule, judging, tally);
  const all = tally.findings.sort(worstFirst);
  const findings = judging.baseline === undefined ? all : newFindings(all, judging.baseline);
  const nodes = fleet.hosts.flatMap((host) => [...host.redis, ...host.sentinels]);
  return {
    fleet: fleet.fleet,
    from: fleet.from,
    at: fleet.at,
    groups: fleet.groups.map(({ name }) => name),
    targets: [...new Set(nodes.map(({ target }) => printTarget(target)))],
    targetAssumed: fleet.targetAssumed,
    profile: judging.policy.profile,
    hosts: fleet.hosts.map(({ host }) => host),
    unreached: fleet.hosts.filter(({ reached }) => !reached.ok).map(({ host }) => host),
    findings,
    notChecked: tally.notChecked,
    passed: tally.passed,
    notApplicable: tally.notApplicable,
    inBaseline: all.length - findings.length,
    notes: [...tally.notes, ...unusedWaivers(tally.findings, judging)],
  };
}

function judgeRule(fleet: FleetView, rule: AuditRule, judging: Judging, tally: Tally): void {
  const severity = severityOf(rule, judging.policy);
  for (const { subject, outcome } of rule.ask(fleet, judging.policy.profile)) {
    const applies = severity !== 'off' && (rule.versions === undefined || inRange(subject.target, rule.versions));
    if (!applies || outcome.outcome === 'not-applicable') tally.notApplicable += 1;
    else if (outcome.outcome === 'pass') tally.passed += 1;
    else if (outcome.outcome === 'not-checked') tally.notChecked.push(unchecked(rule, { subject, outcome }));
    else {
      for (const problem of outcome.problems) {
        const own = problemSeverity(rule, problem.severity, judging.policy, severity);
        tally.findings.push(waive(findingOf(rule, subject, problem, own, fleet.shownAs), judging));
      }
      if (outcome.missing.length > 0) tally.notChecked.push(unchecked(rule, { subject, outcome }));
    }
  }
}

function unchecked(rule: AuditRule, { subject, outcome }: Answered): NotChecked {
  return {
    rule: rule.id,
    class: rule.class,
    ...(subject.group === undefined ? {} : { group: subject.group }),
    ...(subject.host === undefined ? {} : { host: subject.host }),
    ...(subject.node === undefined ? {} : { node: subject.node.id }),
    missing: 'missing' in outcome ? outcome.missing : [],
  };
}

function waive(finding: AuditFinding, { policy, today }: Judging): AuditFinding {
  const waiver = policy.waivers.find((one) => covers(one, finding) && !isExpired(one, today));
  return waiver === undefined ? finding : { ...finding, waived: waiver };
}

/** A waiver that is over, or that nothing needed, is said: silence would look like consent. */
function unusedWaivers(findings: readonly AuditFinding[], { policy, today }: Judging): string[] {
  return policy.waivers.flatMap((waiver) => {
    const matches = findings.filter((finding) => covers(waiver, finding)).length;
    if (isExpired(waiver, today)) return [`the waiver of ${waiver.rule} ended on ${waiver.until}: "${waiver.reason}"`];
    return matches === 0 ? [`the waiver of ${waiver.rule} matches nothing: "${waiver.reason}"`] : [];
  });
}

/** Worst first, then by class, cause and place. */
function worstFirst(a: AuditFinding, b: AuditFinding): number {
  return (
    compareSeverity(a.severity, b.severity) ||
    ruleClasses.indexOf(a.class) - ruleClasses.indexOf(b.class) ||
    compareText(a.rule, b.rule) ||
    compareText(a.node ?? '', b.node ?? '') ||
    (a.line ?? 0) - (b.line ?? 0)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
