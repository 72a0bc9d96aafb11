import { diagnose } from '../../src/diagnosis/diagnose.js';
import { RunbookError } from '../../src/errors.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { refusalOf } from '../../src/plan/refusal.js';
import { interpret } from '../../src/survey/interpret.js';
import type { Incident, Right } from './incident.js';

/** What `recover --yes` would do with nothing else said: go on with a master, or refuse. */
export type Outcome =
  | { readonly master: string }
  | {
      readonly refused: string;
      readonly says: string;
      readonly facts: readonly string[];
      readonly next: readonly string[];
    };

export function diagnosisOf(incident: Incident): Diagnosis {
  const survey = interpret(incident.inventory, incident.raws);
  return diagnose(survey, incident.inventory.groups[0] ?? '', incident.answers);
}

export function outcomeOf(diagnosis: Diagnosis): Outcome {
  const path = diagnosis.path.recommended;
  if (path === 'nothing' && diagnosis.serving !== undefined) return { master: diagnosis.serving };
  if (path === 'nothing') return { refused: 'wait', says: diagnosis.headline.join(' '), facts: [], next: [] };
  try {
    const decision = decide(diagnosis, noChoice, path);
    return decision.missing.length === 0 ? { master: decision.master } : refused(refusalOf(decision));
  } catch (error) {
    if (error instanceof RunbookError) return refused(error);
    throw error;
  }
}

function refused(error: RunbookError): Outcome {
  return { refused: error.word, says: error.message, facts: error.facts, next: error.next };
}

/** How an answer of a single node's name stands: that is all that a rule of thumb gives. */
export type Standing = 'right' | 'wrong' | 'no answer';

/** Where nobody may be chosen without being named, every name is wrong: it throws the others' writes away without a word. */
export function standingOf(node: string | undefined, { winners }: Right): Standing {
  if (node === undefined) return 'no answer';
  return winners.includes(node) ? 'right' : 'wrong';
}

/** A wrong master: taken without a word although it lacks writes, or although something had to be accepted first. */
export function isWrong(outcome: Outcome, { winners, refused }: Right): boolean {
  return 'master' in outcome && (refused !== undefined || !winners.includes(outcome.master));
}
