import { RunbookError } from '../errors.js';
import type { OpenRun } from '../execute/open-runs.js';
import type { Resumption } from '../execute/resumption.js';
import { actionsOf, type Plan, type Stage } from '../model/plan.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { listed } from '../report/quantities.js';
import { createAsk } from './ask.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import type { ResumeFlags } from './flags.js';
import { type Rebuilt, rebuiltPlan } from './rebuild.js';

/** Without a terminal there is `--yes`, or nothing is begun. Throws RunbookError `no-terminal`. */
export function refuseWithoutAnswers(command: 'resume' | 'undo', run: string, yes: boolean, context: Context): void {
  if (yes || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', `${command} asks before it changes anything, and nobody can be asked here.`, {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      `redis-runbook ${command} ${run}         in a terminal, or`,
      `redis-runbook ${command} ${run} --yes   without questions`,
    ],
  });
}

/** The journal and the plan of the run, checked and told. */
export async function recheck(open: OpenRun, on: readonly string[], fleet: Fleet, tell: Tell): Promise<Rebuilt> {
  const { directory, journal } = open.read;
  if (journal.torn !== undefined)
    note(tell, 'journal', 'its last line was never finished: what it was about is looked at');
  const same = on.length === 0 ? '' : `, the same here and on ${listed(on)}`;
  note(tell, 'journal', `${journal.lines.length} lines intact${same}`);
  const rebuilt = await rebuiltPlan(directory.path, open.plan, fleet);
  const count = actionsOf(rebuilt.plan).length;
  note(tell, 'plan', `made again from ${rebuilt.plan.runbook} and the survey: the same ${count} actions`);
  return rebuilt;
}

/** One question before it goes on, where the stage that it goes on with was agreed to before. */
export async function agree(plan: Plan, { stages }: Resumption, flags: ResumeFlags, context: Context): Promise<void> {
  const [first] = stages;
  if (flags.yes || first === undefined || first.gate !== undefined) return;
  const question = `Go on with stage ${numberOf(plan, first)} ${first.title}?`;
  const key = await createAsk(context).choose(question, [
    { key: 'y', says: 'go on' },
    { key: 'q', says: 'stop, nothing more is changed' },
  ]);
  if (key !== 'y') throw new RunbookError('stopped', 'stopped at a question; nothing more was changed.');
}

function numberOf(plan: Plan, stage: Stage): number {
  return plan.stages.findIndex((each) => each.id === stage.id) + 1;
}

/** Tells a person one line. */
export type Tell = (text: string, first?: string, more?: string) => void;

/** Prints where a person reads; nothing for --json and --quiet. */
export function teller(context: Context): Tell {
  if (context.json || context.quiet) return () => undefined;
  return (text, first = '', more = '') =>
    context.stdout(`${wrap(printableProse(text), context.columns, first, more).join('\n')}\n`);
}

function note(tell: Tell, label: string, text: string): void {
  tell(text, `  ok  ${label.padEnd(14)}  `, ' '.repeat(22));
}
