import { z } from 'zod';
import { RunbookError } from '../errors.js';
import { readDocument } from '../inventory/document.js';
import { nearest } from '../inventory/nearest.js';
import { profiles, type Waiver } from '../model/audit.js';
import { fromJson } from '../model/json.js';
import { type Baseline, baselineOf } from './baseline.js';
import type { Policy } from './policy.js';

const severities = z.enum(['error', 'warning', 'info', 'off']);

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'a day such as 2027-01-31')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'a day that exists');

const policySchema = z.strictObject({
  profile: z.enum(profiles).optional(),
  severity: z.record(z.string(), severities).optional(),
  waivers: z
    .array(
      z.strictObject({
        rule: z.string(),
        host: z.string().optional(),
        port: z.number().int().min(0).max(65535).optional(),
        reason: z.string().trim().min(1, 'why it is accepted'),
        until: day,
      }),
    )
    .optional(),
});

/**
 * Reads a redis-runbook-policy.yaml. Every waiver needs a reason and a last day. Throws RunbookError `policy-file` with
 * the first mistake and its place; a rule that does not exist is a mistake, because it would waive nothing in silence.
 */
export function parsePolicy(file: string, text: string, ruleIds: readonly string[]): Policy {
  const document = readDocument(text);
  const [broken] = document.mistakes;
  if (broken !== undefined) throw policyError(file, broken.line, broken.column, broken.text);
  const parsed = policySchema.safeParse(document.data ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const { line, column } = document.at(issue?.path ?? []);
    throw policyError(file, line, column, `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is wrong'}`);
  }
  const { profile = 'production', severity = {}, waivers = [] } = parsed.data;
  const named = [
    ...Object.keys(severity).map((rule) => ({ rule, path: ['severity', rule] })),
    ...waivers.map(({ rule }, index) => ({ rule, path: ['waivers', index, 'rule'] })),
  ];
  for (const { rule, path } of named) {
    if (ruleIds.includes(rule)) continue;
    const near = nearest(rule, ruleIds);
    const { line, column } = document.at(path);
    throw policyError(
      file,
      line,
      column,
      `there is no rule ${rule}`,
      near === undefined ? [] : [`did you mean ${near}?`],
    );
  }
  return { profile, severity: new Map(Object.entries(severity)), waivers: waivers.map(waiverOf) };
}

function waiverOf(given: {
  readonly rule: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly reason: string;
  readonly until: string;
}): Waiver {
  const { rule, host, port, reason, until } = given;
  return { rule, reason, until, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

const place = z.string().nullable();
const baselineSchema = z.object({
  schema: z.literal('redis-runbook/audit/1'),
  findings: z.array(z.object({ rule: z.string(), message: z.string(), host: place, node: place, file: place })),
});

/** Reads what `audit --json` printed earlier. Throws RunbookError `policy-file` for anything else. */
export function parseBaseline(file: string, text: string): Baseline {
  const parsed = baselineSchema.safeParse(jsonIn(file, text));
  if (!parsed.success) throw policyError(file, 1, 1, 'is no output of audit --json');
  return baselineOf(parsed.data.findings);
}

function jsonIn(file: string, text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    throw policyError(file, 1, 1, 'is no JSON');
  }
}

function policyError(
  file: string,
  line: number,
  column: number,
  says: string,
  facts: readonly string[] = [],
): RunbookError {
  return new RunbookError('policy-file', `${file}:${line}:${column}  ${says}.`, {
    facts,
    next: ['redis-runbook audit --list-rules', 'redis-runbook explain RULE'],
  });
}
