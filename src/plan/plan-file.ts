import { z } from 'zod';
import { RunbookError } from '../errors.js';
import type { Diagnosis } from '../model/diagnosis.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { canonicalFacts, hashOfFacts } from './canonical.js';
import type { Choice } from './choice.js';

const VERSION = 1;

const text = z.string().max(65_536);
const decimal = z.string().regex(/^\d{1,30}$/);
const nodeFacts = z.strictObject({
  node: text,
  runs: z.union([z.boolean(), text]),
  runId: text.optional(),
  replid: text.optional(),
  role: text.optional(),
  rdb: text.optional(),
  lines: z.array(text).max(100_000).optional(),
});
const names = z.array(text).max(1000);
const madeSchema = z.strictObject({
  version: z.literal(VERSION),
  at: text,
  by: text,
  fleet: text,
  runbook: text,
  choice: z.strictObject({
    path: z.enum(['nothing', 'failover', 'sentinels-only', 'live', 'cold']).optional(),
    promote: text.optional(),
    setAside: names,
    acceptLoss: text.optional(),
    without: names,
    hostIsOff: names,
    reason: text.optional(),
  }),
  facts: z.strictObject({ group: text, redis: z.array(nodeFacts), sentinels: z.array(nodeFacts) }),
  atLeast: z.strictObject({
    epoch: decimal,
    offsets: z.record(text, z.strictObject({ replid: text, offset: decimal })),
  }),
});

/** How a plan in a file came about: what is compared with the fleet before it is carried out. No secret. */
export type Made = z.infer<typeof madeSchema>;

/** A plan as it was read from a file: the words of a stranger, to be compared and never carried out. */
export interface PlanRead {
  readonly made: Made;
  readonly plan: Readonly<Record<string, unknown>>;
}

/** Who made a plan, when, and from what. */
export interface Maker {
  readonly at: string;
  readonly by: string;
  readonly fleet: string;
  /** The runbook as it was named: built in, or a path. */
  readonly runbook: string;
  readonly choice: Choice;
}

/** The text of a plan file, for `apply`. */
export function planFileText(plan: Plan, maker: Maker, group: GroupSurvey): string {
  const { path, promote, setAside, acceptLoss, without, hostIsOff, reason } = maker.choice;
  const made = {
    ...maker,
    version: VERSION,
    choice: { path, promote, setAside, acceptLoss, without, hostIsOff, reason },
    facts: canonicalFacts(group),
    atLeast: { epoch: plan.epoch, offsets: offsetsOf(group) },
  };
  return `${toJson({ ...plan, made }, 2)}\n`;
}

/** Reads the text of a plan file. Throws RunbookError `plan-file` when it is none, or of a newer version. */
export function parsePlanFile(name: string, content: string): PlanRead {
  const value = objectIn(content);
  if (value === undefined) throw wrong(name, 'it is not JSON');
  const { made, ...plan } = value;
  if (plan.schema !== 'redis-runbook/plan/1') throw wrong(name, `its schema is ${String(plan.schema).slice(0, 60)}`);
  if (made === undefined) throw wrong(name, 'it holds a plan to read, not one that plan --out wrote');
  const version = typeof made === 'object' && made !== null && 'version' in made ? made.version : undefined;
  if (typeof version === 'number' && version > VERSION) throw wrong(name, `a newer version wrote it (${version})`);
  const read = madeSchema.safeParse(made);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw wrong(name, `made.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  if (hashOfFacts(read.data.facts) !== plan.fingerprint || read.data.facts.group !== plan.group) {
    throw tampered(name, ['the facts in it are not those of its fingerprint']);
  }
  return { made: read.data, plan };
}

function objectIn(content: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function wrong(name: string, why: string): RunbookError {
  return new RunbookError('plan-file', `${name} is no plan that can be applied: ${why}.`, {
    next: ['redis-runbook plan --out FILE   makes one'],
  });
}

/** The refusal of a file whose plan is not what the runbook and the fleet give. */
export function tampered(name: string, facts: readonly string[]): RunbookError {
  return new RunbookError('plan-tampered', `${name} was changed since it was written: nothing of it is carried out.`, {
    facts,
    next: ['redis-runbook plan --out FILE   makes a new one, from the fleet as it is'],
  });
}

function offsetsOf(group: GroupSurvey): Readonly<Record<string, { replid: string; offset: bigint }>> {
  return Object.fromEntries(
    group.redis.flatMap((node) => {
      const end = endOf(node);
      return end === undefined ? [] : [[node.node, end] as const];
    }),
  );
}

function endOf(node: RedisSurvey): { replid: string; offset: bigint } | undefined {
  const running = known(node.running);
  if (running) return running.replid === '' ? undefined : { replid: running.replid, offset: running.offset };
  const rdb = known(node.rdb);
  return rdb?.replid === undefined || rdb.offset === undefined ? undefined : { replid: rdb.replid, offset: rdb.offset };
}

/** What went back though it only grows: epochs and, in one history, offsets. */
export function wentBack({ atLeast }: Made, group: GroupSurvey, diagnosis: Diagnosis): readonly string[] {
  const now = offsetsOf(group);
  const offsets = Object.entries(atLeast.offsets).flatMap(([node, { replid, offset }]) => {
    const end = now[node];
    if (end === undefined || end.replid !== replid || end.offset >= BigInt(offset)) return [];
    return [`${node}: its data went back from offset ${offset} to ${end.offset} of the same history`];
  });
  const { nextEpoch } = diagnosis.epochs;
  const epoch =
    nextEpoch < BigInt(atLeast.epoch) ? [`the next epoch went back from ${atLeast.epoch} to ${nextEpoch}`] : [];
  return [...offsets, ...epoch];
}
