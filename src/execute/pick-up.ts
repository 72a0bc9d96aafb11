import { RunbookError } from '../errors.js';
import { type Action, actionsOf, type Stage } from '../model/plan.js';
import { actionModule } from './actions/index.js';
import { heldBeforeIn } from './held-before.js';
import { runAction } from './one-action.js';
import type { Resumption } from './resumption.js';
import { at, emit, type Run } from './run.js';

/** Where the lines of a resumed run stand until it comes to its stages. */
const stage: Stage = { id: 'resume', title: 'RESUME', why: '', needs: [], batches: [], now: '' };

/**
 * Picks a run up where it was cut off: its locks are taken again, what its journal remembers is remembered, and every
 * finished action is looked at. Rejects with RunbookError('locked') when a lock is somebody else's, and with
 * RunbookError('changed') at what is no longer as the journal says; nothing was changed by then.
 */
export async function pickUp(run: Run, resumption: Resumption): Promise<void> {
  remember(run, resumption);
  await retake(run, resumption);
  if (run.progress.outcome !== 'done') return;
  const begun = performance.now();
  const differs = (await Promise.all(resumption.verify.map((action) => differing(run, action)))).filter(
    (text) => text !== undefined,
  );
  if (differs.length > 0) throw changedSince(run, differs);
  if (resumption.verify.length === 0) return;
  const text = `${resumption.verify.length} finished actions still hold`;
  await run.tools.journal.write({ action: 'run', phase: 'evidence', text });
  emit(run, {
    type: 'action-ended',
    id: 'run',
    node: `${resumption.behind} done`,
    outcome: 'done',
    text: 'all still hold: files, units, roles',
    elapsedMs: Math.round(performance.now() - begun),
  });
}

async function retake(run: Run, resumption: Resumption): Promise<void> {
  run.progress.picksUp = true;
  const ends = await Promise.allSettled(
    resumption.retake.map((action) => runAction(run, stage, action, at(run, action.id))),
  );
  run.progress.picksUp = false;
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** What is not as the journal says, in words; undefined when it is. */
async function differing(run: Run, action: Action): Promise<string | undefined> {
  try {
    const looked = await actionModule(action).look(at(run, action.id));
    return looked.state === 'done'
      ? undefined
      : `${action.node}: "${action.says.text}" was done, and now: ${looked.says}`;
  } catch (error) {
    return `${action.node}: "${action.says.text}" was done, and could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function changedSince(run: Run, differs: readonly string[]): RunbookError {
  const { tools } = run;
  return new RunbookError('changed', `The fleet is not as run ${tools.run} left it.`, {
    facts: differs,
    next: ['redis-runbook status', 'redis-runbook recover', `redis-runbook undo ${tools.run}`],
  });
}

/** What the actions of the first part of the run remembered for those of the second. */
function remember(run: Run, { past }: Resumption): void {
  const { memory, progress, plan } = run;
  if (past.details.get('run')?.answer === 'all') memory.answeredAll = true;
  const actions = actionsOf(plan);
  // What a node left was moved away on purpose: there is nothing to compare any more.
  const isMove = ({ id, kind }: Action) => (kind === 'data.place' || kind === 'data.aside') && past.stands.has(id);
  const moved = new Set(actions.filter(isMove).map(({ node }) => node));
  for (const action of actions) {
    const found = past.details.get(action.id);
    if (!found) continue;
    const { keys, expires, epoch, servingSince } = found;
    if (action.kind === 'sentinel.failover' && past.stands.get(action.id) === 'begun' && typeof found.was === 'number')
      memory.raised.set(action.node, found.was);
    if (action.kind === 'data.check' && action.as === 'master' && typeof keys === 'bigint')
      memory.checked.set(action.node, { keys, expires: typeof expires === 'bigint' ? expires : 0n });
    const held = heldBeforeIn(found.held);
    if (action.kind === 'service.stop' && held !== undefined && !moved.has(action.node))
      memory.leaving.set(action.node, held);
    if (action.kind === 'config.rewrite' && typeof epoch === 'bigint') memory.epoch = Promise.resolve(epoch);
    if (typeof servingSince === 'string') progress.servingSince = servingSince;
  }
}
