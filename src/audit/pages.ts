import { profiles, type RuleClass, ruleClasses } from '../model/audit.js';
import { defaultPolicy } from './policy.js';
import type { AuditRule } from './rule.js';
import { severityOf } from './severity.js';
import type { VersionRange } from './target.js';

/** The page of a rule as plain text: what `explain RULE` prints. */
export function rulePage(rule: AuditRule): string {
  const severities = profiles.map((profile) => `${profile}: ${severityOf(rule, { ...defaultPolicy, profile })}`);
  return `${[
    rule.id,
    `  ${sentence(rule.title)}`,
    '',
    `  Class     ${rule.class}`,
    `  Severity  ${severities.join(', ')}`,
    `  Asked of  ${scopeSays[rule.scope]}`,
    `  Versions  ${versionsSay(rule.versions)}`,
    `  Why       ${rule.rationale}`,
    `  Source    ${rule.source}`,
    `  Fix       ${rule.fix}`,
    ...(rule.runbook === undefined ? [] : [`  Runbook   redis-runbook run ${rule.runbook}`]),
    `  Waive     in redis-runbook-policy.yaml: { rule: ${rule.id}, host: HOST, reason: TEXT, until: DATE }`,
  ].join('\n')}\n`;
}

const scopeSays: Readonly<Record<AuditRule['scope'], string>> = {
  node: 'each redis node and sentinel',
  redis: 'each redis node',
  sentinel: 'each sentinel',
  host: 'each host',
  'cross-node': 'the nodes of a group together',
  topology: 'the shape of a group',
};

/** src/audit/README.md: every page, by class. */
export function rulesReadme(rules: readonly AuditRule[]): string {
  const chapters = ruleClasses.flatMap((name) => chapter(name, rules));
  return `${[
    '# The rules of `audit`',
    'Generated from the rules themselves; `redis-runbook explain RULE` prints the same. How to add one: `rules/README.md`.',
    ...chapters,
  ].join('\n\n')}\n`;
}

function chapter(name: RuleClass, rules: readonly AuditRule[]): string[] {
  const own = rules.filter((rule) => rule.class === name).sort((a, b) => (a.id < b.id ? -1 : 1));
  return own.length === 0 ? [] : [`## ${name}`, ...own.map(section)];
}

function section(rule: AuditRule): string {
  return [
    `### ${rule.id}`,
    '',
    `${sentence(rule.title)} _${rule.severity}, ${scopeSays[rule.scope]}, ${versionsSay(rule.versions)}._`,
    '',
    `- Why: ${rule.rationale}`,
    `- Source: ${rule.source}`,
    `- Fix: ${rule.fix}`,
    `- Fails: \`${rule.fixtures.fails}\`; passes: \`${rule.fixtures.nearMiss}\``,
  ].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function versionsSay(range: VersionRange | undefined): string {
  if (range === undefined) return 'every version';
  const parts = Object.entries(range).map(([flavour, limits]) => {
    const from = limits?.from === undefined ? '' : ` from ${limits.from}`;
    const before = limits?.before === undefined ? '' : ` before ${limits.before}`;
    return `${flavour === 'redis' ? 'Redis' : 'Valkey'}${from}${before}`;
  });
  return parts.join(', ');
}
