import { pathToTake, planFor } from '../../src/cli/make-plan.js';
import { RunbookError } from '../../src/errors.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { toJson } from '../../src/model/json.js';
import { noChoice } from '../../src/plan/choice.js';
import { renderStatus, renderStatusJson } from '../../src/report/status-text.js';
import { judged } from '../scenarios/fixtures.js';
import type { Saved } from './fleets.js';

/** What came of a damaged fleet: the node that would become master without anybody being asked, or why none. */
export interface Outcome {
  readonly automatic: string | undefined;
  /** The node that the screen recommends, whatever has to be accepted for it. */
  readonly shown: string | undefined;
  readonly refusal: string;
}

const control = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Judges, shows and plans it as `status` and `recover --yes` do. Throws whatever is not one of the tool's own refusals. */
export async function outcomeOf(fleet: Saved): Promise<Outcome> {
  const all = judged(fleet);
  const { survey, diagnosis } = all;
  const looks = [true, false].map((why) => renderStatus(survey, diagnosis, { width: 80, colour: false, why }));
  for (const look of looks) if (control.test(look)) throw new Error('the screen holds a control character');
  renderStatusJson(survey, diagnosis);
  const shown = diagnosis.winner;
  try {
    const seen = { ...all, raw: all.raws };
    const path = pathToTake(seen, noChoice);
    if (path === 'nothing') return { automatic: diagnosis.serving, shown, refusal: 'nothing to do' };
    const { decision, plan } = await planFor(seen, noChoice, path);
    toJson(plan);
    const { master, missing } = decision;
    if (missing.length === 0) return { automatic: master, shown, refusal: '' };
    return { automatic: undefined, shown, refusal: missing.map(({ kind }) => kind).join() };
  } catch (error) {
    if (!(error instanceof RunbookError)) throw error;
    return { automatic: undefined, shown, refusal: error.word };
  }
}

/** Nodes that may win: the winner of the whole record, and whoever holds the same. */
export function mayWin(diagnosis: Diagnosis): readonly string[] {
  const { winner, candidates } = diagnosis;
  if (winner === undefined) return [];
  const best = candidates.find(({ node }) => node === winner);
  const same = Object.entries(best?.versus ?? {}).filter(([, { kind }]) => kind === 'equal');
  return [winner, ...same.map(([node]) => node)];
}
