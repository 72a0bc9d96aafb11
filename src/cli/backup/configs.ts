import type { ProvenBackup } from '../../backup/restore/prove.js';
import { openSource } from '../../backup/restore/source.js';
import { exitStatus } from '../../errors.js';
import type { BackupManifest } from '../../model/backup.js';
import type { RestoredBackup } from '../../model/plan.js';
import { fingerprintOf } from '../../plan/canonical.js';
import { word } from '../../plan/commands.js';
import type { ConfigBack } from '../../plan/config-back.js';
import { type AgreedConfig, configPlan } from '../../plan/config-plan.js';
import { printable } from '../../report/escape.js';
import { paint, wrap } from '../../report/layout.js';
import { createAsk } from '../ask.js';
import { carryOut } from '../carry-out.js';
import type { Fleet, Judged } from '../compose.js';
import type { Context } from '../context.js';
import { agreedOn, backOf, textNow, whileItRuns } from './config-backs.js';
import { type StoredConfig, storedConfigs, targetOf } from './config-targets.js';
import type { BackupFlags } from './flags.js';
import type { OpenBackups } from './open.js';

export interface ConfigsOf {
  readonly open: OpenBackups;
  readonly backup: RestoredBackup;
  readonly proven: ProvenBackup;
}

/**
 * `backup restore ID --configs`: each config file of the backup against the one that is there now, as a diff with its own
 * question. Of the redis.conf of the node that it came from and what it includes plain directives are written, of its ACL
 * file the rules of users that the fleet itself does not need, of a sentinel.conf whose sentinel does not run timeouts
 * and quorum; kept first and tried on the server's parser. Nothing is restarted. Data is not touched. What is for a person
 * is told with the reason. Without a terminal it only shows.
 */
export async function restoreConfigs(
  { open, backup, proven }: ConfigsOf,
  judged: Judged,
  fleet: Fleet,
  flags: BackupFlags,
  context: Context,
): Promise<number> {
  const { manifest } = proven;
  const source = await openSource(backup, open.repository, open.trust);
  const agreed: AgreedConfig[] = [];
  try {
    for (const one of await storedConfigs(source, manifest, judged)) {
      const yes = await agreeOn(one, { judged, fleet }, flags, context);
      if (yes !== undefined) agreed.push(yes);
    }
    showOthers(manifest, backup, judged, context);
    if (agreed.length === 0) {
      show('No config was changed.', context);
      return exitStatus.done;
    }
    const group = judged.survey.groups[judged.diagnosis.group];
    const fingerprint = group === undefined ? '' : fingerprintOf(group);
    const plan = configPlan(judged.diagnosis.group, backup, fingerprint, agreed);
    return await carryOut(plan, judged, fleet, { ...flags, yes: true }, context, undefined, source);
  } finally {
    await source.close();
  }
}

/** What no line of is written: where it lies, why, and what of the fleet's configs the backup does not have as it was. */
function showOthers(manifest: BackupManifest, backup: RestoredBackup, judged: Judged, context: Context): void {
  const others = manifest.files.filter(
    (file) => file.role === 'config' && targetOf(file, manifest, judged) === undefined,
  );
  const { repository, fleet, group, name } = backup;
  const reasons = others.map(({ path, from }) => ({
    why: whyForPerson(path),
    what: `${from ?? path}, as it was: ${path}`,
  }));
  const leftOut = manifest.leftOut.map(({ path, why }) => ({ why, what: path }));
  const all = [...reasons, ...leftOut];
  for (const reason of new Set(all.map(({ why }) => why))) {
    show(`${reason}:`, context, '  ! ');
    for (const { what } of all.filter(({ why }) => why === reason)) show(what, context, ' '.repeat(6));
  }
  if (others.length > 0) show(`The backup lies in ${word(`${repository}/${fleet}/${group}/${name}`)}`, context, '  ');
}

function whyForPerson(path: string): string {
  return path.startsWith('config/sentinels/')
    ? 'left to you: of a sentinel that this group does not have there; a copy on another machine needs a line myid of its own, for two sentinels with one id count as one'
    : 'left to you: of a node that this fleet does not have';
}

async function agreeOn(
  stored: StoredConfig,
  { judged, fleet }: { readonly judged: Judged; readonly fleet: Fleet },
  flags: BackupFlags,
  context: Context,
): Promise<AgreedConfig | undefined> {
  const { host, entry, path } = stored;
  show(paint('verdict', `${host.name}:${printable(path)}`, context.colour), context);
  const now = await textNow(stored, judged, fleet, context.signal);
  if (now === undefined) {
    show(`${entry.id} does not read it now, or it could not be seen: it is not made anew`, context, '  ! ');
    return undefined;
  }
  const back = backOf(stored, now, judged);
  showBack(back, context);
  if (back.intent === undefined) return undefined;
  const refused = whileItRuns(stored, back, judged);
  if (refused !== undefined) {
    show(refused.why, context, '  ! ');
    for (const command of refused.commands) show(`      ${command}`, context);
    return undefined;
  }
  if (flags.yes || flags.dryRun || !context.isTerminal || context.noInput) {
    show('Each file needs its own yes, in a terminal.', context);
    return undefined;
  }
  const key = await createAsk(context).choose(`Write ${path} on ${host.name}?`, [
    { key: 'y', says: `keep it, then write these lines; ${countsFrom(stored)}` },
    { key: 'n', says: 'leave it as it is' },
  ]);
  return key === 'y' ? agreedOn(stored, back) : undefined;
}

function countsFrom({ kind }: StoredConfig): string {
  return kind === 'acl' ? 'they count from the next start or ACL LOAD on' : 'it counts from the next start on';
}

function showBack(back: ConfigBack, context: Context): void {
  if (back.diff.length === 0) show('  as in the backup', context);
  for (const line of back.diff) show(`  ${painted(line, context)}`, context);
  for (const { directive, why } of back.byHand) show(`${directive} is left as it is: ${why}`, context, '  ! ');
  for (const remark of back.remarks ?? []) show(remark, context, '  ! ');
  if (back.intent === undefined) return;
  show('What would be written:', context);
  for (const line of back.changes) show(`  ${painted(line, context)}`, context);
}

function painted(line: string, context: Context): string {
  return paint(line.startsWith('+') ? 'added' : 'removed', printable(line), context.colour);
}

function show(text: string, context: Context, first = ''): void {
  if (context.json || context.quiet) return;
  const lines = first === '' ? [text] : wrap(printable(text), context.columns, first, ' '.repeat(first.length));
  context.stdout(`${lines.join('\n')}\n`);
}
