import type { AuditFinding, AuditReport, Confirmation, Edit, NotChecked, Severity } from '../model/audit.js';
import { toJson } from '../model/json.js';

/**
 * One audit as one JSON document, `redis-runbook/audit/1`. Several fleets are one document whose `fleet` names them all.
 * A place that a finding does not have is null; `line` and `column` count from 1.
 */
export function auditJson(reports: readonly AuditReport[]): string {
  const [first] = reports;
  const document = {
    schema: 'redis-runbook/audit/1',
    target: [...new Set(reports.flatMap(({ targets }) => targets))].join(', '),
    profile: first?.profile ?? 'production',
    fleet: reports.map(({ fleet }) => fleet).join(', '),
    findings: reports.flatMap(({ findings }) => findings.map(findingJson)),
    notChecked: reports.flatMap(({ notChecked }) => grouped(notChecked)),
    confirmations: reports.flatMap(({ confirmations = [] }) => confirmations.map(confirmationJson)),
    summary: summaryOf(reports),
  };
  return `${plainAscii(toJson(document, 2))}\n`;
}

/** Excerpts hold what stands in hostile files: whoever prints the document on a terminal gets only plain characters. */
function plainAscii(json: string): string {
  return json.replace(/[^\x20-\x7e\n]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function findingJson(finding: AuditFinding): Readonly<Record<string, unknown>> {
  const { waived, fix } = finding;
  return {
    rule: finding.rule,
    class: finding.class,
    severity: finding.severity,
    host: finding.host ?? null,
    node: finding.node ?? null,
    file: finding.file ?? null,
    line: finding.line ?? null,
    column: finding.column ?? null,
    message: finding.message,
    server: finding.server ?? null,
    excerpt: finding.excerpt.map((one) => ({ ...one, line: one.line ?? null, column: one.column ?? null })),
    fix: { says: fix.says, diff: fix.edits.length === 0 ? null : diffOf(fix.edits).join('\n') },
    runbook: finding.runbook ?? null,
    waived: waived === undefined ? null : { reason: waived.reason, until: waived.until ?? null },
  };
}

function confirmationJson({ by, lines, ...rest }: Confirmation): Readonly<Record<string, unknown>> {
  const each = lines.map(({ line, rule, ...one }) => ({ ...one, line: line ?? null, rule: rule ?? null }));
  return { ...rest, by: by ?? null, lines: each };
}

/** Edits as lines of a diff, file by file: `--- FILE`, `@@ line N`, `-old`, `+new`. */
export function diffOf(edits: readonly Edit[]): string[] {
  const files = [...new Set(edits.map(({ file }) => file))];
  return files.flatMap((file) => [
    `--- ${file}`,
    `+++ ${file}`,
    ...edits
      .filter((edit) => edit.file === file)
      .flatMap(({ line, old, now }) => [
        line === undefined ? '@@ at the end @@' : `@@ line ${line} @@`,
        ...(old === undefined ? [] : [`-${old}`]),
        ...(now === undefined ? [] : [`+${now}`]),
      ]),
  ]);
}

/** One entry per rule and reason, with everything that it stands for: a large fleet stays readable. */
function grouped(notChecked: readonly NotChecked[]): readonly unknown[] {
  const entries = new Map<string, { rule: string; class: string; why: string; detail: string; of: Set<string> }>();
  for (const one of notChecked) {
    for (const { why, detail } of one.missing) {
      const key = JSON.stringify([one.rule, why, detail]);
      const entry = entries.get(key) ?? { rule: one.rule, class: one.class, why, detail, of: new Set<string>() };
      entry.of.add(one.node ?? one.host ?? one.group ?? '');
      entries.set(key, entry);
    }
  }
  return [...entries.values()].map(({ of, ...entry }) => ({ ...entry, of: [...of] }));
}

function summaryOf(reports: readonly AuditReport[]): Readonly<Record<string, unknown>> {
  const sum = (count: (report: AuditReport) => number) => reports.reduce((total, report) => total + count(report), 0);
  const of = (severity: Severity) =>
    sum(({ findings }) => findings.filter((one) => one.severity === severity && one.waived === undefined).length);
  return {
    error: of('error'),
    warning: of('warning'),
    info: of('info'),
    waived: sum(({ findings }) => findings.filter(({ waived }) => waived !== undefined).length),
    inBaseline: sum(({ inBaseline }) => inBaseline),
    passed: sum(({ passed }) => passed),
    notApplicable: sum(({ notApplicable }) => notApplicable),
    notChecked: sum(({ notChecked }) => notChecked.length),
    hosts: sum(({ hosts }) => hosts.length),
    unreached: reports.flatMap(({ unreached }) => unreached),
    targetAssumed: reports.some(({ targetAssumed }) => targetAssumed),
    notes: [...new Set(reports.flatMap(({ notes }) => notes))],
  };
}
