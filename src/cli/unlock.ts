import { exitStatus } from '../errors.js';
import { firstFile } from '../execute/fleet-lock.js';
import { lockOfRun, refuseLiving, unlock } from '../execute/take-over.js';
import { toJson } from '../model/json.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { fleetFlag } from '../report/next-lines.js';
import { listed } from '../report/quantities.js';
import { createAsk } from './ask.js';
import { openFleet } from './compose.js';
import type { Context } from './context.js';
import type { SelectFlags } from './flags.js';
import { operator } from './operator.js';

/** `unlock ID`: gives back the lock of a run that nobody stands behind any more, and touches nothing else. */
export async function unlockCommand(flags: SelectFlags & { readonly run: string }, context: Context): Promise<number> {
  const fleet = await openFleet(context, flags, 'every group');
  try {
    const taker = { hosts: fleet.hosts, who: operator(), now: context.now };
    const lock = await lockOfRun(taker, flags.run, context.signal);
    refuseLiving(lock, taker);
    const { who, since, doing } = firstFile(lock);
    const says = `Run ${lock.run} of ${who} since ${since}, on ${listed([...lock.on.keys()])}: ${lock.standing.says}. It was in: ${doing}.`;
    if (!context.json) context.stdout(`${wrap(printableProse(says), context.columns).join('\n')}\n`);
    // Without a terminal the id on the command line is the typed one.
    if (context.isTerminal && !context.noInput)
      await createAsk(context).typeName(`Type ${lock.run} to give its lock back:`, lock.run, 'unlock ID --no-input');
    const freed = await unlock(lock, taker, context.signal);
    const fleetName = fleetFlag(context.fleetFile);
    const done = `The lock of run ${lock.run} is gone on ${listed(freed)}. What the run did stays as it is: redis-runbook status${fleetName} says what that is.`;
    if (context.json) context.stdout(`${toJson({ schema: 'redis-runbook/unlock/1', run: lock.run, who, freed }, 2)}\n`);
    else context.stdout(`${wrap(done, context.columns).join('\n')}\n`);
    return exitStatus.done;
  } finally {
    await fleet.close();
  }
}
