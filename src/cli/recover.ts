import { join } from 'node:path';
import { withJudged } from './compose.js';
import type { Context } from './context.js';
import { refuseDetached } from './detach.js';
import type { RecoverFlags } from './flags.js';
import { refuseSurvey, refuseUnasked } from './found-file.js';
import { runFiles } from './run-files.js';

/** `recover`: look, decide, plan, ask, carry out, look again, report. Exit statuses: the table in errors.ts. */
export async function recoverCommand(flags: RecoverFlags, context: Context): Promise<number> {
  refuseDetached(flags);
  if (flags.hosts.length === 0) return recoverIn(flags, context);
  refuseSurvey(flags, 'recover');
  return recoverFound(flags, context);
}

/** Without a fleet file: what was found is shown, and a person says whether it is all. */
async function recoverFound(flags: RecoverFlags, context: Context): Promise<number> {
  const { agreeWhole, findFleet, foundDocument, onFound, showFound } = await import('./found.js');
  const { handed } = context;
  if (handed !== undefined)
    return recoverIn(flags, { ...context, fleetFile: join(handed.directory.path, runFiles.fleet), isWhole: true });
  const fleet = await findFleet(flags, 'recover', context);
  if (context.json) context.stdout(`${foundDocument(fleet)}\n`);
  showFound(fleet, flags, context);
  const acts = !flags.dryRun && flags.out === undefined;
  if (acts) await agreeWhole(fleet, flags, context);
  return onFound(fleet, (own) => recoverIn(flags, { ...own, isWhole: acts }));
}

async function recoverIn(flags: RecoverFlags, context: Context): Promise<number> {
  if (!flags.dryRun && flags.out === undefined && flags.survey === undefined) refuseUnasked(context);
  // What comes after the look takes as long to load as the hosts take to answer.
  const rest = () => import('./recover-seen.js');
  return withJudged(
    context,
    flags,
    async (judged, fleet) => (await rest()).recoverSeen(judged, fleet, flags, context),
    // Whether it could be loaded is told when it is needed.
    () => void rest().catch(() => undefined),
  );
}
