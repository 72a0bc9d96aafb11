import type { Choice } from '../plan/choice.js';
import { createAsk } from './ask.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';

/**
 * Where the data has split nobody but the operator can say which side goes on: asked where somebody can be, by the name of a
 * node. Enter chooses nothing. The choice is given back as it is where it names one, or the diagnosis does.
 */
export async function withMaster(
  choice: Choice,
  judged: Judged,
  flags: RecoverFlags,
  context: Context,
): Promise<Choice> {
  const { winner, candidates } = judged.diagnosis;
  const sides = candidates.filter(({ verdict }) => verdict === 'split-off').map(({ node }) => node);
  const isAsked = context.isTerminal && !context.noInput && !context.json && !flags.yes;
  if (!isAsked || choice.promote !== undefined || winner !== undefined || sides.length === 0) return choice;
  const keys = sides.map((node) => ({ key: node, says: 'goes on; what the other side alone holds is set aside' }));
  context.stderr('\n');
  const promote = await createAsk(context).choose(`Which node becomes master, ${sides.join(' or ')}?`, keys);
  return { ...choice, promote };
}
