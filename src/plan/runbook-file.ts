import { LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { z } from 'zod';
import { RunbookError } from '../errors.js';
import type { Path } from '../model/diagnosis.js';
import type { Gate } from '../model/plan.js';
import { steps } from './steps/index.js';

/** A runbook as written: data over the step library. No shell, no expressions, no loops. */
export interface Runbook {
  readonly runbook: string;
  readonly version: string;
  readonly title: string;
  readonly path: Path;
  readonly stages: readonly RunbookStage[];
}

export interface RunbookStage {
  readonly stage: string;
  readonly gate?: Gate | undefined;
  readonly why: string;
  readonly now: string;
  readonly steps: readonly { readonly name: string; readonly parameters: Readonly<Record<string, string>> }[];
}

const stepEntry = z.union([z.string(), z.record(z.string(), z.record(z.string(), z.string()))]);
const schema = z.strictObject({
  runbook: z.string().regex(/^[a-z][a-z0-9-]*$/),
  version: z.string(),
  title: z.string(),
  path: z.enum(['nothing', 'failover', 'sentinels-only', 'live', 'cold']),
  stages: z
    .array(
      z.strictObject({
        stage: z.string().regex(/^[A-Z][A-Z0-9 -]*$/),
        gate: z.enum(['hold-keep', 'stop-rewrite-check', 'start']).optional(),
        why: z.string(),
        now: z.string(),
        steps: z.array(stepEntry).min(1),
      }),
    )
    .min(1),
});

/** JSON Schema of a runbook file, for editors. */
export function runbookSchema(): unknown {
  return z.toJSONSchema(schema);
}

/**
 * Reads a runbook strictly: an unknown key, step or parameter is an error with its line and column, and the nearest
 * known step. Throws RunbookError `runbook-file`.
 */
export function parseRunbook(file: string, text: string): Runbook {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true, merge: false, customTags: [] });
  const where = (offset: number): string => {
    const { line, col } = counter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const broken = document.errors[0];
  if (broken) throw bad(`${where(offsetOf(broken))}: ${broken.message.split('\n')[0]}`);
  visit(document, {
    Alias: (_, node) => {
      throw bad(`${where(rangeStart(node) ?? 0)}: an alias is not taken; write it out.`);
    },
  });
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) {
    const facts = parsed.error.issues.map((issue) => {
      const node: unknown = document.getIn(issue.path as (string | number)[], true);
      const offset = rangeStart(node) ?? 0;
      return `${where(offset)}: ${issue.path.join('.') || 'the file'}: ${issue.message}`;
    });
    throw new RunbookError('runbook-file', `${file} is not a runbook.`, {
      facts,
      next: ['redis-runbook runbook show recover-cold'],
    });
  }
  const stages = parsed.data.stages.map((stage, index) => ({
    ...stage,
    steps: stage.steps.map((entry, at) => {
      const node: unknown = document.getIn(['stages', index, 'steps', at], true);
      return checkedStep(entry, where(rangeStart(node) ?? 0));
    }),
  }));
  return { ...parsed.data, stages };
}

function offsetOf(error: YAMLError): number {
  return error.pos[0];
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const range = node.range;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

function bad(message: string, facts: readonly string[] = []): RunbookError {
  return new RunbookError('runbook-file', message, { facts, next: ['redis-runbook runbook list'] });
}

function checkedStep(entry: z.infer<typeof stepEntry>, where: string): RunbookStage['steps'][number] {
  const [name, given] = typeof entry === 'string' ? [entry, {}] : (Object.entries(entry)[0] ?? ['', {}]);
  const step = steps.find((item) => item.name === name);
  if (!step)
    throw bad(`${where}: there is no step "${name}".`, [`steps: ${steps.map((item) => item.name).join(', ')}`]);
  for (const [key, value] of Object.entries(given)) {
    const words = step.parameters[key];
    if (!words) throw bad(`${where}: step ${name} has no parameter "${key}".`);
    if (!words.includes(value)) throw bad(`${where}: ${name}.${key} is one of ${words.join(', ')}, not "${value}".`);
  }
  const defaults = Object.fromEntries(Object.entries(step.parameters).map(([key, words]) => [key, words[0] ?? '']));
  return { name, parameters: { ...defaults, ...given } };
}
