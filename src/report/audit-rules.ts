import type { Profile, RuleClass, Scope, Severity } from '../model/audit.js';
import { ruleClasses } from '../model/audit.js';
import { toJson } from '../model/json.js';
import { classSays } from './audit-words.js';
import { wrap } from './layout.js';

/** What a list of rules needs to know of one. */
export interface ListedRule {
  readonly id: string;
  readonly class: RuleClass;
  readonly severity: Severity;
  readonly scope: Scope;
  readonly title: string;
  readonly rationale: string;
  readonly source: string;
  readonly fix: string;
  readonly runbook?: string;
  readonly versions?: unknown;
  readonly profiles?: Partial<Record<Profile, Severity | 'off'>>;
  readonly fixtures: { readonly fails: string; readonly nearMiss: string; readonly target?: string };
}

/** Every rule with its failing fixture and its near miss, `redis-runbook/audit-rules/1`. */
export function rulesJson(rules: readonly ListedRule[]): string {
  const listed = rules.map((rule) => ({
    id: rule.id,
    class: rule.class,
    severity: rule.severity,
    scope: rule.scope,
    versions: rule.versions ?? null,
    profiles: rule.profiles ?? {},
    title: rule.title,
    rationale: rule.rationale,
    source: rule.source,
    fix: rule.fix,
    runbook: rule.runbook ?? null,
    fixtures: rule.fixtures,
  }));
  return `${toJson({ schema: 'redis-runbook/audit-rules/1', rules: listed }, 2)}\n`;
}

/** One line per rule, by class. */
export function rulesText(rules: readonly ListedRule[], width: number): string {
  const lines = ruleClasses.flatMap((name) => {
    const own = rules.filter((rule) => rule.class === name);
    const each = own.flatMap((rule) =>
      wrap(rule.title, width, `  ${rule.id.padEnd(34)} ${rule.severity.padEnd(8)} `, ' '.repeat(46)),
    );
    return own.length === 0 ? [] : [`${classSays[name]} (${name})`, ...each, ''];
  });
  return `${[...lines, `${rules.length} rules; redis-runbook explain RULE prints the page of one.`].join('\n')}\n`;
}
