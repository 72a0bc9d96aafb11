import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import type { Inventory } from '../../src/model/inventory.js';
import type { Plan } from '../../src/model/plan.js';
import type { RawHost } from '../../src/model/raw-host.js';
import type { AofComparison, GroupSurvey, Survey } from '../../src/model/survey.js';
import type { Decision } from '../../src/plan/choice.js';
import { makePlan } from '../../src/plan/make-plan.js';
import { parseRunbook, type Runbook } from '../../src/plan/runbook-file.js';
import { interpret } from '../../src/survey/interpret.js';
import { loadSurvey } from '../../src/survey/saved.js';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** A recorded fleet, read back and judged as `status --survey` does it. */
export interface Recorded {
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
  readonly survey: Survey;
  readonly group: GroupSurvey;
  readonly diagnosis: Diagnosis;
}

export async function recorded(name: string): Promise<Recorded> {
  return judged(await loadSurvey(pathOf(`../fixtures/raw/${name}.json`)));
}

/** The same fleet after a change of what was brought back. */
export function judged(
  saved: { readonly inventory: Inventory; readonly raws: readonly RawHost[] },
  change: (raw: RawHost) => RawHost = (raw) => raw,
  comparisons: readonly AofComparison[] = [],
): Recorded {
  const raws = saved.raws.map(change);
  const survey = interpret(saved.inventory, raws);
  const name = saved.inventory.groups[0] ?? '';
  const group = survey.groups[name];
  if (!group) throw new Error('the recording holds no group');
  return { inventory: saved.inventory, raws, survey, group, diagnosis: diagnose(survey, name, comparisons) };
}

async function runbook(name: string): Promise<Runbook> {
  const path = pathOf(`../../runbooks/${name}.yaml`);
  return parseRunbook(path, await readFile(path, 'utf8'));
}

export async function planOf(fleet: Recorded, decision: Decision, name = 'recover-cold'): Promise<Plan> {
  const { inventory, survey, diagnosis } = fleet;
  return makePlan({ runbook: await runbook(name), inventory, survey, diagnosis, decision });
}

/** A host that could not be looked at: nothing of it came back. */
export function unreached(host: string): (raw: RawHost) => RawHost {
  return (raw) => {
    if (raw.host !== host) return raw;
    const missing = {
      ok: false,
      why: 'timeout',
      detail: 'no route to host',
      from: { host, source: 'look' },
      at: raw.at,
    } as const;
    return {
      ...raw,
      reached: missing,
      clockOffsetMs: missing,
      diskFreeBytes: missing,
      processes: missing,
      files: [],
      answers: [],
    };
  };
}

/** A host whose redis log is gone. */
export function withoutLog(host: string): (raw: RawHost) => RawHost {
  return (raw) =>
    raw.host === host
      ? { ...raw, files: raw.files.filter((file) => file.role !== 'log' || file.node.includes('/sentinel')) }
      : raw;
}
