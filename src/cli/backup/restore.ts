import { type ProvenBackup, proveBackup } from '../../backup/restore/prove.js';
import { openSource } from '../../backup/restore/source.js';
import { fingerprintOf } from '../../backup/sign.js';
import { loadSigner } from '../../backup/signer-file.js';
import { RunbookError } from '../../errors.js';
import { findFleetFile } from '../../inventory/find.js';
import { loadInventory } from '../../inventory/load.js';
import type { Plan, RestoredBackup } from '../../model/plan.js';
import { type Choice, type Decision, noChoice } from '../../plan/choice.js';
import { decideRestore, restoreRefusal } from '../../plan/restore-choice.js';
import { renderRestore } from '../../report/restore-text.js';
import { createAsk } from '../ask.js';
import { carryOut } from '../carry-out.js';
import { type Fleet, type Judged, withJudged } from '../compose.js';
import type { Context } from '../context.js';
import { shownPlan } from '../plan.js';
import { dryRun, preflight } from '../preflight.js';
import { readRunbook } from '../runbooks.js';
import { restoreConfigs } from './configs.js';
import { rateOf } from './create.js';
import type { BackupFlags } from './flags.js';
import { findBackup, looksOf, type OpenBackups, openBackups } from './open.js';
import { groupOf, restorePlan } from './restore-plan.js';

/** One backup that was proved, and where it is kept. */
interface Chosen {
  readonly open: OpenBackups;
  readonly proven: ProvenBackup;
  readonly backup: RestoredBackup;
  readonly signer: string;
}

/**
 * `backup restore ID`: proves the backup, looks at the group, says what it gives up, and brings the data back as a
 * run: planned, asked for, journalled, proved. Exit statuses as `recover`.
 */
export async function backupRestore(flags: BackupFlags, context: Context): Promise<number> {
  const chosen = await choose(flags, context);
  const into = await target(chosen.backup, flags, context);
  return withJudged(into.context, { group: into.group, survey: undefined }, async (judged, fleet) => {
    if (fleet === undefined) throw new Error('a fleet is opened when no saved survey is named');
    if (flags.configs) return restoreConfigs(chosen, judged, fleet, flags, into.context);
    const { plan } = await agreed(chosen, judged, flags, into.context);
    if (flags.dryRun) return dryRun(plan, judged, fleet, into.context);
    return restore(plan, chosen, judged, fleet, flags, into.context);
  });
}

async function choose(flags: BackupFlags, context: Context): Promise<Chosen> {
  const open = await openBackups({ ...flags, group: undefined }, context);
  const { repository, trust } = open;
  const { found } = await findBackup(open, flags.args[0] ?? '');
  const tools = { repository, trust, signer: await loadSigner(process.env), now: context.now, signal: context.signal };
  const tell = (text: string) => (context.quiet ? undefined : context.stderr(`${text}\n`));
  const proven = await proveBackup(found, tools, tell);
  const signer = found.signer === undefined ? 'nobody' : `${found.signer.name} (${fingerprintOf(found.signer.key)})`;
  return { open, proven, backup: restoredBackup(found.ref.name, open, proven), signer };
}

function restoredBackup(name: string, { repository }: OpenBackups, proven: ProvenBackup): RestoredBackup {
  const { manifest, manifestSha256, databases } = proven;
  const { id, kind, fleet, group } = manifest;
  const data = manifest.files.filter(({ path }) => path.startsWith('data/'));
  return {
    id,
    kind,
    repository: repository.place,
    fleet,
    group,
    name,
    manifestSha256,
    takenAt: manifest.snapshotAt,
    sizeBytes: data.reduce((sum, { sizeBytes, compressed }) => sum + (compressed?.plainBytes ?? sizeBytes), 0n),
    ...(databases === undefined ? {} : { databases }),
  };
}

/** The fleet and the group that get the data: the backup's own unless another is named. */
async function target(
  backup: RestoredBackup,
  flags: BackupFlags,
  context: Context,
): Promise<{ readonly context: Context; readonly group: string | undefined }> {
  const fleetFile =
    flags.into === undefined ? context.fleetFile : findFleetFile(flags.into, process.env, process.cwd());
  if (fleetFile === undefined)
    throw new RunbookError('no-fleet', 'There is no fleet.yaml here, and none was named: where is the data to go?', {
      next: [`redis-runbook backup restore ${backup.id} --into FLEET.yaml`],
    });
  const { groups } = await loadInventory(fleetFile);
  const group = flags.group ?? (groups.includes(backup.group) ? backup.group : undefined);
  return { context: { ...context, fleetFile }, group };
}

/** The plan with everything that it sets aside named by the operator, or refused. */
async function agreed(
  chosen: Chosen,
  judged: Judged,
  flags: BackupFlags,
  context: Context,
): Promise<{ readonly plan: Plan }> {
  const choice = choiceOf(flags);
  const group = groupOf(judged);
  const runbook = await readRunbook('restore');
  const request = { id: chosen.backup.id, source: chosen.proven.manifest.source };
  const first = decideRestore(judged.diagnosis, group, { ...request, choice });
  // What could not be loaded there is told before anything is asked.
  const plan = restorePlan(chosen, judged, first, runbook);
  if (!context.json && !context.quiet) context.stdout(`${pageOf(chosen, judged, first, choice, context)}\n`);
  if (first.missing.length > 0) {
    const given = await askAsides(first, choice, chosen.backup.id, flags, context);
    const decision = decideRestore(judged.diagnosis, group, { ...request, choice: given });
    return shown(restorePlan(chosen, judged, decision, runbook), context);
  }
  refuseWithoutAnswers(flags, chosen.backup.id, context);
  return shown(plan, context);
}

function shown(plan: Plan, context: Context): { readonly plan: Plan } {
  if (!context.json && !context.quiet) context.stdout(`\n${shownPlan(plan, false, context)}`);
  return { plan };
}

function choiceOf(flags: BackupFlags): Choice {
  return {
    ...noChoice,
    setAside: flags.setAside,
    without: flags.without,
    ...(flags.promote === undefined ? {} : { promote: flags.promote }),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
  };
}

function pageOf(chosen: Chosen, judged: Judged, decision: Decision, choice: Choice, context: Context): string {
  const { diagnosis, inventory } = judged;
  const [first] = decision.setAside;
  const holder = diagnosis.candidates.find(({ node }) => node === first);
  const request = { id: chosen.backup.id, source: chosen.proven.manifest.source };
  const all = decideRestore(diagnosis, groupOf(judged), { ...request, choice: { ...choice, setAside: [] } });
  return renderRestore(
    {
      ...chosen,
      ...chosen.proven,
      from: chosen.proven.manifest.source.node,
      fleet: inventory.fleet,
      group: diagnosis.group,
      master: decision.master,
      keysNow: holder?.wouldLoadKeys,
      asides: all.missing,
    },
    looksOf(context, chosen.backup),
  );
}

/** Each node whose data is given up, by its typed name; then the reason. */
async function askAsides(
  decision: Decision,
  choice: Choice,
  id: string,
  flags: BackupFlags,
  context: Context,
): Promise<Choice> {
  if (flags.yes || !context.isTerminal || context.noInput) throw restoreRefusal(decision, id);
  const ask = createAsk(context);
  const named: string[] = [...choice.setAside];
  for (const { node, why } of decision.missing) {
    context.stderr(`\n${why}. With ${id} this is set aside: kept, not served.\n`);
    if (!(await ask.typeName('Type the name of the node whose data is set aside, or Enter to stop:', node)))
      throw new RunbookError('split', 'The name was not typed. Nothing was changed.', {
        next: ['redis-runbook status'],
      });
    named.push(node);
  }
  const reason = choice.reason ?? (await ask.line('Why (one line, goes into the report):'));
  return { ...choice, setAside: named, reason };
}

function refuseWithoutAnswers(flags: BackupFlags, id: string, context: Context): void {
  if (flags.yes || flags.dryRun || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', 'A restore asks before it changes anything, and nobody can be asked here.', {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      `redis-runbook backup restore ${id}         in a terminal, or`,
      `redis-runbook backup restore ${id} --yes   without questions; never sets data aside that was not named`,
    ],
  });
}

async function restore(
  plan: Plan,
  { open, backup }: Chosen,
  judged: Judged,
  fleet: Fleet,
  flags: BackupFlags,
  context: Context,
): Promise<number> {
  await preflight(plan, judged, fleet, context);
  const source = await openSource(backup, open.repository, open.trust, rateOf(flags.limitRate));
  try {
    return await carryOut(plan, judged, fleet, flags, context, undefined, source);
  } finally {
    await source.close();
  }
}
