import { stillThere } from '../execute/still-there.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import { stillThereLines } from '../report/still-there-text.js';
import { reachOf } from './branch-compare.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';

/** Who is connected to the nodes that run, and what happens to them: told once, before anything is asked or done. */
export async function tellStillThere(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  setAside: readonly string[],
  context: Context,
): Promise<void> {
  const group = judged.survey.groups[plan.group];
  if (context.quiet || group === undefined) return;
  const reach = reachOf({ ...fleet, inventory: judged.inventory }, context);
  try {
    const there = await stillThere(reach, group, plan, setAside, context.now);
    if (there === undefined) return;
    if (context.json) context.stdout(`${toJson(there)}\n`);
    else context.stdout(`\n${stillThereLines(there, { width: context.columns, colour: context.colour }).join('\n')}\n`);
  } finally {
    for (const reader of reach.memory.readers.values()) reader.close();
  }
}
