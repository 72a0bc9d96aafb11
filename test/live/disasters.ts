import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { lackedBy } from '../../src/lab/judge.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Persistence } from '../../src/lab/layout.js';
import type { Broken } from '../../src/lab/scenarios/index.js';
import { labUp } from '../../src/lab/up.js';
import type { Diagnosis, Naive, Path } from '../../src/model/diagnosis.js';
import { type Output, runbook } from './recovery.js';

/** A disaster as it is tried: which scenario, on which kind of data, and what is right by what the seed drew. */
export interface Disaster {
  readonly scenario: string;
  readonly persistence: Persistence;
  readonly right: (broken: Broken, seed: number, lab: Lab) => Right;
}

/** What is right to do, and what comes of it: by the lab's own record, never by the diagnosis. */
export interface Right {
  /** Several where the moment decides. */
  readonly path: Path | readonly Path[];
  /** Flags of the first try. */
  readonly args?: readonly string[];
  /** What else must hold in the end. */
  readonly after?: (lab: Lab) => Promise<void>;
  /** What `recover --yes` says first: its status, the word of a refusal, and a sentence of its plan. */
  readonly first: { readonly status: number | readonly number[]; readonly word?: string; readonly says?: string };
  /** What is put right by hand before the second try, as the refusal says. */
  readonly mend?: (lab: Lab) => Promise<void> | void;
  /** The words that accept what was refused, when it was. */
  readonly consent?: readonly string[];
  /** Whose data the master holds afterwards. */
  readonly dataOf: string;
  /** The status of the recovery that is carried out. */
  readonly status: number | readonly number[];
}

export interface Tried {
  readonly scenario: string;
  readonly seed: number;
  readonly traits: readonly string[];
  readonly expected: number;
  readonly naive: readonly NaiveLoss[];
}

/** How many acknowledged writes the rule's node never had; undefined node = no answer. */
export interface NaiveLoss {
  readonly rule: Naive['rule'];
  readonly node?: string;
  readonly lost: number;
}

/** Breaks a fleet, asserts verdict, refusal and recovery, counts by the record, cuts the power, kills the master. */
export async function tryDisaster(disaster: Disaster, seed: number): Promise<Tried> {
  const { scenario, persistence } = disaster;
  const lab = await labUp({ seed, persistence, ownerPid: process.pid });
  try {
    const broken = await lab.break({ scenario });
    const right = disaster.right(broken, seed, lab);
    const diagnosis = await diagnosisOf(lab);
    expect([right.path].flat(), diagnosis.headline.join(' ')).toContain(diagnosis.path.recommended);
    const first = await runbook(lab, ['recover', '--yes', '--plain', ...(right.args ?? [])]);
    expectRefused(lab, first, right);
    const done = await secondTry(lab, first, right);
    expect([right.status].flat(), done.stdout + done.stderr).toContain(done.status);
    const expected = await expectWhole(lab, right.dataOf);
    await expectUsable(lab, right.dataOf);
    await right.after?.(lab);
    return { scenario, seed, traits: broken.traits, expected, naive: naiveLosses(lab, diagnosis) };
  } finally {
    await lab.down({ remove: true });
    await rm(lab.directory, { recursive: true, force: true });
  }
}

/** What was refused, with what it asked for. */
async function secondTry(lab: Lab, first: Output, right: Right): Promise<Output> {
  await right.mend?.(lab);
  if (right.consent !== undefined)
    return runbook(lab, ['recover', '--yes', '--plain', ...right.consent, '--reason', 'test']);
  return right.mend === undefined ? first : runbook(lab, ['recover', '--yes', '--plain', ...(right.args ?? [])]);
}

/** The diagnosis as `status --json` gives it. */
async function diagnosisOf(lab: Lab): Promise<Diagnosis> {
  const output = await runbook(lab, ['status', '--json']);
  return (JSON.parse(output.stdout) as { diagnosis: Diagnosis }).diagnosis;
}

function expectRefused(lab: Lab, first: Output, { first: { status, word, says } }: Right): void {
  expect([status].flat(), first.stdout + first.stderr + crashesOf(lab)).toContain(first.status);
  if (word !== undefined) expect(first.stderr).toContain(`[${word}]`);
  if (says !== undefined) expect((first.stdout + first.stderr).replace(/\s+/g, ' ')).toContain(says);
}

/** What a mistake of the tool left of itself: the directory is gone after the test. */
function crashesOf(lab: Lab): string {
  const directory = join(lab.directory, 'operator', 'redis-runbook', 'crashes');
  if (!existsSync(directory)) return '';
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('\n');
}

async function expectWhole(lab: Lab, dataOf: string): Promise<number> {
  const { expected, missing, extra } = await lab.checkWrites({ dataOf });
  expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  return expected;
}

/** Writes that a clean restart keeps, the power cut, the same master; then a failover that Sentinel makes by itself. */
async function expectUsable(lab: Lab, dataOf: string): Promise<void> {
  const master = await lab.master();
  await lab.write({ count: 100 });
  expect((await lab.powerCycle({ stop: 'clean', limitMs: 90_000 })).master).toBe(master);
  await expectWhole(lab, dataOf);
  await lab.write({ count: 100 });
  await expectWhole(lab, dataOf);
  expect((await lab.failoverDrill(90_000)).from).toBe(master);
}

function naiveLosses(lab: Lab, diagnosis: Diagnosis): readonly NaiveLoss[] {
  const record = lab.record();
  return diagnosis.naive.map(({ rule, node }) => {
    if (node === undefined) return { rule, lost: 0 };
    const lacks = lackedBy(record, node);
    const lost = record.filter(
      (line) =>
        line.type === 'write' &&
        line.acknowledged &&
        lacks.some(
          (one) =>
            (one.node === undefined || one.node === line.node) &&
            line.seq >= (one.fromSeq ?? 0) &&
            line.seq < (one.beforeSeq ?? Number.MAX_SAFE_INTEGER),
        ),
    );
    return { rule, node, lost: lost.length };
  });
}
