import type { AuditFinding, AuditReport, Confirmation, Severity } from '../model/audit.js';
import { diffOf } from './audit-json.js';
import { auditHeadline, auditSource, type Cause, causesOf, classSays, notCheckedLines, some } from './audit-words.js';
import { printable, printableProse } from './escape.js';
import { paint, type Role, wrap } from './layout.js';
import { type NextCommand, nextLines } from './next-lines.js';

export interface AuditTextOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Lines side by side and diffs. */
  readonly verbose: boolean;
}

const titles: Readonly<Record<Severity, string>> = { error: 'ERROR', warning: 'WARNING', info: 'NOTE' };
const roles: Readonly<Record<Severity, Role>> = { error: 'danger', warning: 'warn', info: 'quiet' };

/** One screen per fleet: the verdict, causes worst first, what was not checked, waived, passed, and what to type next. */
export function renderAudit(report: AuditReport, options: AuditTextOptions): string {
  const { width, colour } = options;
  const groups = report.groups.filter((name) => name !== '').join(', ');
  const name = [report.fleet, groups].filter((part) => part !== '').join(' / ');
  const blocks = [
    wrap(printableProse(auditHeadline(report)), width).map((line) => paint('verdict', line, colour)),
    wrap(printableProse(`${name}  ${auditSource(report)}`), width),
    ...(['error', 'warning', 'info'] as const).map((severity) => severityLines(report, severity, options)),
    confirmationLines(report.confirmations ?? [], options),
    footLines(report, options),
    nextLines(nextCommands(report), width),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function severityLines(report: AuditReport, severity: Severity, options: AuditTextOptions): string[] {
  const causes = causesOf(report.findings).filter((cause) => cause.severity === severity);
  if (causes.length === 0) return [];
  const lines = [paint(roles[severity], titles[severity], options.colour)];
  let last = '';
  for (const cause of causes) {
    if (cause.class !== last) lines.push(`  ${classSays[cause.class]}`);
    last = cause.class;
    lines.push(...causeLines(cause, options));
  }
  return lines;
}

function causeLines(cause: Cause, options: AuditTextOptions): string[] {
  const [first] = cause.findings;
  const who = printable(some([...new Set(cause.findings.map(whoOf))]));
  const label = cause.findings.length === 1 ? cause.rule : `${cause.rule} (${cause.findings.length})`;
  const place = first === undefined || cause.findings.length > 1 ? '' : placeOf(first);
  const lead = `    ${who.padEnd(9)} `;
  const hang = ' '.repeat(14);
  const lines = wrap(printable(cause.message), options.width, lead, hang);
  const tail = place === '' ? label : `${printable(place)}  ${label}`;
  lines.push(paint('quiet', `${hang}${tail}`, options.colour));
  if (options.verbose) for (const finding of cause.findings) lines.push(...detailLines(finding, hang));
  return lines;
}

function whoOf(finding: AuditFinding): string {
  return finding.node ?? finding.host ?? finding.group ?? '';
}

function placeOf({ file, line }: AuditFinding): string {
  if (file === undefined) return '';
  return line === undefined ? `${file} (missing)` : `${file}:${line}`;
}

function detailLines(finding: AuditFinding, hang: string): string[] {
  const shown = finding.excerpt.map(({ node, file, line, text }) =>
    printable(
      `${hang}  ${node}  ${file}${line === undefined ? '' : `:${line}`}  ${text === '' ? '(no such line)' : text}`,
    ),
  );
  const diff = diffOf(finding.fix.edits).map((line) => printable(`${hang}  ${line}`));
  return [...shown, ...wrap(`fix: ${finding.fix.says}`, 200, `${hang}  `, `${hang}  `), ...diff];
}

/** One line per node; beneath it what the server says of lines on which it and the audit differ, with `-v` of all. */
function confirmationLines(all: readonly Confirmation[], { width, colour, verbose }: AuditTextOptions): string[] {
  if (all.length === 0) return [];
  const words = { agrees: 'confirmed', differs: 'DIFFERS', 'not-tried': 'not tried' } as const;
  const lines = all.flatMap(({ node, outcome, by, says, lines: each }) => [
    ...wrap(
      printable(`${words[outcome]}${by === undefined ? '' : ` by ${by} of this machine`}: ${says}`),
      width,
      `    ${printable(node).padEnd(9)} `,
      ' '.repeat(14),
    ),
    ...each
      .filter((line) => verbose || line.outcome === 'differs')
      .flatMap(({ file, line, rule, outcome: how, says: words }) => {
        const place = `${file}${line === undefined ? '' : `:${line}`}  ${rule ?? 'no finding'}`;
        return wrap(printable(`${place}  ${how}: ${words}`), width, ' '.repeat(14), ' '.repeat(16));
      }),
  ]);
  return [paint('quiet', 'TRIED ON A SERVER OF THIS MACHINE', colour), ...lines];
}

function footLines(report: AuditReport, { width }: AuditTextOptions): string[] {
  const waived = report.findings.filter((finding) => finding.waived !== undefined);
  const reasons = notCheckedLines(report);
  const known = report.inBaseline === 0 ? '' : `   IN BASELINE ${report.inBaseline}`;
  const long = (text: string, lead: string) => wrap(printable(text), width, lead, ' '.repeat(15));
  return [
    ...reasons.slice(0, 8).flatMap((text, at) => long(text, at === 0 ? '? NOT CHECKED  ' : ' '.repeat(15))),
    ...(reasons.length > 8 ? [`${' '.repeat(15)}and ${reasons.length - 8} reasons more: --json`] : []),
    ...waived.flatMap(({ rule, waived: waiver, ...finding }) =>
      long(
        `${rule} on ${whoOf({ rule, ...finding })}, until ${waiver?.until ?? '-'}, "${waiver?.reason ?? ''}"`,
        '  WAIVED       ',
      ),
    ),
    `  PASSED ${report.passed}   NOT APPLICABLE ${report.notApplicable}${known}`,
    ...report.notes.flatMap((note) => long(note, '  NOTE         ')),
  ];
}

function nextCommands({ findings }: AuditReport): readonly NextCommand[] {
  const worst = findings.find(({ waived }) => waived === undefined);
  if (worst === undefined) return [];
  return [
    { command: `redis-runbook explain ${worst.rule}`, says: 'what, why, source, how to fix' },
    { command: 'redis-runbook audit -v', says: 'lines side by side, diffs' },
    ...(worst.runbook === undefined
      ? []
      : [{ command: `redis-runbook run ${worst.runbook}`, says: 'repairs the first one' }]),
  ];
}
