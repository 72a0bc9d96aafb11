import { readFile, stat } from 'node:fs/promises';
import type { Judging } from '../audit/judge.js';
import { defaultPolicy, type Policy } from '../audit/policy.js';
import { parseBaseline, parsePolicy } from '../audit/policy-file.js';
import { allRules } from '../audit/rules/index.js';
import { auditFiles, auditSeen, filesViews, seenView } from '../audit/run.js';
import { readPaths } from '../audit/source/read-paths.js';
import { parseTarget, type Target } from '../audit/target.js';
import type { FleetView } from '../audit/view.js';
import { exitStatus, RunbookError, worstOf } from '../errors.js';
import { loadInventory } from '../inventory/load.js';
import { type AuditReport, profiles, type Severity } from '../model/audit.js';
import { auditJson } from '../report/audit-json.js';
import { auditMarkdown } from '../report/audit-markdown.js';
import { rulesJson, rulesText } from '../report/audit-rules.js';
import { renderAudit } from '../report/audit-text.js';
import { look } from './compose.js';
import type { Context } from './context.js';
import type { AuditFlags } from './flags.js';

const standardPolicy = 'redis-runbook-policy.yaml';
const limitBytes = 64 * 1024 * 1024;

/** `audit`: what the rules say of a fleet or of files. Exit 0, 1 with findings at or above --fail-on, 4 not judged. */
export async function auditCommand(flags: AuditFlags, context: Context): Promise<number> {
  const json = context.json || flags.format === 'json';
  if (flags.listRules) {
    context.stdout(json ? rulesJson(allRules) : rulesText(allRules, context.columns));
    return exitStatus.done;
  }
  const target = targetOf(flags);
  const reports = await reportsOf(flags, target, await judgingOf(flags, context), context);
  context.stdout(shown(reports, flags, json, context));
  return auditStatus(reports, flags.failOn, flags.strict);
}

function shown(reports: readonly AuditReport[], flags: AuditFlags, json: boolean, context: Context): string {
  if (json) return auditJson(reports);
  if (flags.format === 'markdown') return reports.map(auditMarkdown).join('\n');
  const options = { width: context.columns, colour: context.colour, verbose: context.verbose > 0 };
  return reports.map((report) => renderAudit(report, options)).join('\n');
}

/**
 * 1 when a finding is at or above `failOn`, or a server that was asked refuses what no finding is about; else 4 when a host or file could not be looked at, or nothing could be
 * judged. `strict`: 4 as soon as anything was not checked, whatever was found.
 */
export function auditStatus(reports: readonly AuditReport[], failOn: Severity, strict: boolean): number {
  const fails = { error: ['error'], warning: ['error', 'warning'], info: ['error', 'warning', 'info'] }[failOn];
  const failed = reports.some(({ findings }) =>
    findings.some(({ severity, waived }) => waived === undefined && fails.includes(severity)),
  );
  const refused = reports.some(({ confirmations = [] }) =>
    confirmations.some(({ lines }) => lines.some(({ rule, outcome }) => rule === undefined && outcome === 'differs')),
  );
  const unseen = reports.some(
    (report) => report.unreached.length > 0 || (report.passed === 0 && report.findings.length === 0),
  );
  const unchecked = strict && reports.some(({ notChecked }) => notChecked.length > 0);
  return worstOf([
    failed || refused ? exitStatus.unhealthy : exitStatus.done,
    unchecked || (unseen && !failed) ? exitStatus.unseen : exitStatus.done,
  ]);
}

async function reportsOf(
  flags: AuditFlags,
  target: Target | undefined,
  judging: Judging,
  context: Context,
): Promise<readonly AuditReport[]> {
  if (flags.paths.length === 0) {
    const seen = await look(context, flags);
    const from = flags.survey === undefined ? 'live' : 'survey';
    const reports = [auditSeen(seen, from, target, judging)];
    return flags.confirm ? withConfirmations(reports, [seenView(seen, from, target)], context) : reports;
  }
  if (flags.survey !== undefined)
    throw new RunbookError('usage', 'PATHs and --survey are two different things to audit.', {
      next: ['redis-runbook audit PATH...', 'redis-runbook audit --survey FILE'],
    });
  const declared = flags.fleet === undefined || context.fleetFile === undefined ? undefined : context.fleetFile;
  const inventory = declared === undefined ? undefined : await loadInventory(declared);
  const files = await readPaths(flags.paths, readInput);
  const at = context.now().toISOString();
  const reports = auditFiles(files, inventory, target, at, judging);
  return flags.confirm ? withConfirmations(reports, filesViews(files, inventory, target, at), context) : reports;
}

async function withConfirmations(
  reports: readonly AuditReport[],
  views: readonly (FleetView | undefined)[],
  context: Context,
): Promise<readonly AuditReport[]> {
  const { confirmed } = await import('./confirm.js');
  const all: AuditReport[] = [];
  for (const [at, report] of reports.entries()) {
    const view = views[at];
    all.push(view === undefined ? report : await confirmed(report, view, context.signal));
  }
  return all;
}

async function readInput(most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > most) break;
  }
  return Buffer.concat(chunks);
}

function targetOf(flags: AuditFlags): Target | undefined {
  if (flags.target === undefined) return undefined;
  const target = parseTarget(flags.target);
  if (target !== undefined) return target;
  throw new RunbookError('usage', `${flags.target} is no version.`, {
    next: ['redis-runbook audit --target redis-7.2', 'redis-runbook audit --target valkey-8.1'],
  });
}

async function judgingOf(flags: AuditFlags, context: Context): Promise<Judging> {
  const policy = await policyOf(flags.policy);
  const profile = profiles.find((one) => one === flags.profile) ?? policy.profile;
  const baseline = flags.baseline === undefined ? undefined : parseBaseline(flags.baseline, await text(flags.baseline));
  return {
    rules: allRules,
    policy: { ...policy, profile },
    today: context.now().toISOString().slice(0, 10),
    ...(baseline === undefined ? {} : { baseline }),
  };
}

async function policyOf(named: string | undefined): Promise<Policy> {
  const file = named ?? standardPolicy;
  const missing = named === undefined && (await stat(file).catch(() => undefined)) === undefined;
  if (missing) return defaultPolicy;
  const ids = allRules.map(({ id }) => id);
  return parsePolicy(file, await text(file), ids);
}

async function text(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > limitBytes) throw new Error(`larger than ${limitBytes} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    throw new RunbookError('policy-file', `${file} cannot be read: ${says}.`, { next: ['redis-runbook audit --help'] });
  }
}
