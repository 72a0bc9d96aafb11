import { RunbookError } from '../errors.js';
import type { GateAnswer } from '../execute/tools.js';
import type { Action, Gate, Plan, Stage } from '../model/plan.js';
import { wrap } from '../report/layout.js';
import { gateSays } from '../report/path-words.js';
import { renderCommands, renderPlan } from '../report/plan-text.js';
import { listed } from '../report/quantities.js';
import type { Ask } from './ask.js';
import type { Context } from './context.js';
import { type MadeFrom, writePlan } from './plan.js';

/**
 * The questions of a recovery. `a` answers the remaining ones of this run, never a loss. `from`: there when `apply` could make
 * the plan anew; it is saved at the first question alone, for later on the fleet is not what it was made from.
 */
export function createGate(plan: Plan, ask: Ask, yes: boolean, context: Context, from?: MadeFrom) {
  let savable = from;
  return async (gate: Gate, stages: readonly Stage[]): Promise<GateAnswer> => {
    if (yes) return 'all';
    const saved = savable;
    savable = undefined;
    const offered = keys.filter(({ key }) => key !== 's' || saved !== undefined);
    const numberOf = (stage: Stage) => plan.stages.findIndex((each) => each.id === stage.id) + 1;
    const numbers = stages.map((stage) => `${numberOf(stage)} ${stage.title}`);
    const question = `Stages ${numbers.join(', ')} on ${listed(hostsOf(stages))}?`;
    const says = wrap(`${question.slice(0, -1)}. ${gateSays(plan, gate)}`, context.columns).join('\n');
    context.stderr(`\n${says}\n${saved === undefined ? menu.replace(saveItem, '') : menu}\n`);
    for (;;) {
      const key = await answer(ask, question, offered);
      if (key === 'y') return 'go';
      if (key === 'a') return 'all';
      if (key === 'q') return 'stop';
      if (key === 'c') context.stderr(renderCommands(stages));
      if (key === 'd')
        context.stderr(renderPlan(plan, { width: context.columns, colour: context.colour, allDiffs: true }));
      if (key === 's' && saved !== undefined) {
        await writePlan(plan, `redis-runbook-plan-${plan.group}.json`, context, saved);
        return 'stop';
      }
    }
  };
}

const saveItem = '  s  save the plan and stop            ';
const menu = ['  y  do them        a  do all stages     c  their commands   d  all diffs', `${saveItem}  q  stop`].join(
  '\n',
);

const keys = [
  { key: 'y', says: 'do them' },
  { key: 'a', says: 'do all stages' },
  { key: 'c', says: 'show their commands' },
  { key: 'd', says: 'show all diffs' },
  { key: 's', says: 'save the plan and stop' },
  { key: 'q', says: 'stop' },
];

/** A declined question is an answer here: the run ends in order and says where it stands. */
async function answer(ask: Ask, question: string, choices = keys): Promise<string> {
  try {
    return await ask.choose(question, choices);
  } catch (error) {
    if (error instanceof RunbookError && error.word === 'stopped') return 'q';
    throw error;
  }
}

function hostsOf(stages: readonly Stage[]): readonly string[] {
  const hosts = stages.flatMap((stage) => stage.batches.flatMap((batch) => Object.keys(batch.lanes)));
  return [...new Set(hosts)];
}

/** `--step`: asked before every action. */
export function createStep(ask: Ask, context: Context) {
  return async (action: Action): Promise<'go' | 'stop'> => {
    context.stderr(`  next: ${action.host}: ${action.says.text}\n`);
    const key = await answer(ask, `Do ${action.id}?`, stepKeys);
    return key === 'y' ? 'go' : 'stop';
  };
}

const stepKeys = [
  { key: 'y', says: 'do it' },
  { key: 'q', says: 'stop' },
];
