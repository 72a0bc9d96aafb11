import type { AuditFinding, AuditReport } from '../model/audit.js';
import { diffOf } from './audit-json.js';
import { auditHeadline, auditSource, causesOf, classSays, notCheckedLines } from './audit-words.js';
import { markdown, markdownBlock, markdownCode, printable } from './escape.js';

/** The audit of one fleet as Markdown: one heading per cause, with its lines and its fix. */
export function auditMarkdown(report: AuditReport): string {
  const waived = report.findings.filter((finding) => finding.waived !== undefined);
  const unchecked = notCheckedLines(report);
  return [
    `# Audit of ${markdown(report.fleet)}`,
    markdown(auditHeadline(report)),
    markdown(auditSource(report)),
    ...causesOf(report.findings).flatMap((cause) => [
      `## ${cause.severity}: ${cause.rule}`,
      `${classSays[cause.class]}. ${markdown(printable(cause.message))}.`,
      ...cause.findings.map(findingMarkdown),
      ...cause.findings.slice(0, 1).map(({ fix }) => `Fix: ${markdown(fix.says)}`),
    ]),
    ...list('Not checked', unchecked),
    ...list(
      'Waived',
      waived.map(({ rule, waived: waiver }) => `${rule}, until ${waiver?.until ?? '-'}: ${waiver?.reason ?? ''}`),
    ),
    ...list('Notes', report.notes),
    `Passed ${report.passed}, not applicable ${report.notApplicable}, in the baseline ${report.inBaseline}.`,
    '',
  ].join('\n\n');
}

function findingMarkdown({ file, line, excerpt, fix }: AuditFinding): string {
  const place = file === undefined ? [] : [markdownCode(line === undefined ? file : `${file}:${line}`)];
  const lines = excerpt.map((one) => `${one.node}  ${one.file}:${one.line ?? '-'}  ${one.text}`);
  return [
    ...place,
    ...(lines.length === 0 ? [] : [markdownBlock(lines.map(printable))]),
    ...(fix.edits.length === 0 ? [] : [markdownBlock(diffOf(fix.edits).map(printable), 'diff')]),
  ].join('\n\n');
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, lines.map((line) => `- ${markdown(line)}`).join('\n')];
}
