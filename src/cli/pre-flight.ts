import { defaultPolicy } from '../audit/policy.js';
import { allRules } from '../audit/rules/index.js';
import { auditSeen } from '../audit/run.js';
import type { RuleClass } from '../model/audit.js';
import { causesOf, some } from '../report/audit-words.js';
import { printable } from '../report/escape.js';
import { paint, wrap } from '../report/layout.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';

/** What a plan that starts nodes and changes roles runs into. */
const touched: readonly RuleClass[] = ['will-not-start', 'data-loss', 'failover', 'recovery'];

/**
 * The errors that the audit finds in the group's files as the plan will find them, one line per cause; empty when there
 * is none. They are shown with the plan and stop nothing: what must stop a plan is a finding of the diagnosis.
 */
export function preFlightLines(judged: Judged, context: Context): readonly string[] {
  const { inventory, raw, diagnosis } = judged;
  const judging = {
    rules: allRules.filter((rule) => touched.includes(rule.class)),
    policy: defaultPolicy,
    today: context.now().toISOString().slice(0, 10),
  };
  const seen = { inventory: { ...inventory, groups: [diagnosis.group] }, raws: raw, passwords: new Map() };
  const { findings } = auditSeen(seen, 'live', undefined, judging);
  const errors = causesOf(findings.filter(({ severity }) => severity === 'error'));
  if (errors.length === 0) return [];
  return [
    paint('warn', 'The audit finds in the files that this plan uses:', context.colour),
    ...errors.flatMap((cause) => {
      const who = some([...new Set(cause.findings.map(({ node, group }) => node ?? group ?? ''))]);
      return wrap(printable(`${who}: ${cause.message} (${cause.rule})`), context.columns, '  ! ', '    ');
    }),
  ];
}
