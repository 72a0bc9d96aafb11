import type { ProvenBackup } from '../../backup/restore/prove.js';
import { exitStatus } from '../../errors.js';
import { readConfig } from '../../execute/config-texts.js';
import type { BackupFile } from '../../model/backup.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import { fingerprintOf } from '../../plan/canonical.js';
import { type AgreedConfig, configBack, configPlan } from '../../plan/config-back.js';
import { decodeText } from '../../redis/byte-text.js';
import { printable } from '../../report/escape.js';
import { paint, wrap } from '../../report/layout.js';
import { createAsk } from '../ask.js';
import { carryOut } from '../carry-out.js';
import type { Fleet, Judged } from '../compose.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import type { OpenBackups } from './open.js';

export interface ConfigsOf {
  readonly open: OpenBackups;
  readonly name: string;
  readonly proven: ProvenBackup;
}

/**
 * `backup restore ID --configs`: each config file of the backup against the one that is there now, as a diff with its own
 * question. Only plain directives of the redis.conf of the node that it came from are written, kept first and tried on the
 * server's parser; nothing is restarted. Data is not touched. Without a terminal it only shows.
 */
export async function restoreConfigs(
  { open, name, proven }: ConfigsOf,
  judged: Judged,
  fleet: Fleet,
  flags: BackupFlags,
  context: Context,
): Promise<number> {
  const { manifest } = proven;
  const agreed: AgreedConfig[] = [];
  for (const file of manifest.files.filter(({ role }) => role === 'config')) {
    const target = targetOf(file, manifest.source.node, judged);
    if (target === undefined) {
      show(`${file.path} (${file.from ?? '?'}) is for a person: look at it in ${open.repository.place}`, context);
      continue;
    }
    const then = decodeText(await storedText(open, manifest, name, file.path, context));
    const one = await agreeOn(target, then, fleet, flags, context);
    if (one !== undefined) agreed.push(one);
  }
  if (agreed.length === 0) {
    show('No config was changed.', context);
    return exitStatus.done;
  }
  const group = judged.survey.groups[judged.diagnosis.group];
  const fingerprint = group === undefined ? '' : fingerprintOf(group);
  const plan = configPlan(judged.diagnosis.group, manifest.id, fingerprint, agreed);
  return carryOut(plan, judged, fleet, { ...flags, yes: true }, context);
}

interface Target {
  readonly host: HostEntry;
  readonly entry: NodeEntry;
}

/** Only the main file of the node itself: includes, ACL files and what Sentinel writes itself are shown to a person. */
function targetOf({ path }: BackupFile, node: string, { inventory }: Judged): Target | undefined {
  if (path !== 'config/redis.conf') return undefined;
  for (const host of inventory.hosts) {
    const entry = host.nodes.find(({ id }) => id === node);
    if (entry !== undefined) return { host, entry };
  }
  return undefined;
}

async function storedText(
  { repository }: OpenBackups,
  { fleet, group }: ProvenBackup['manifest'],
  name: string,
  path: string,
  context: Context,
): Promise<Uint8Array> {
  const { backups } = await repository.list({ fleet, group });
  const ref = backups.find((one) => one.name === name);
  if (ref === undefined) throw new Error(`${name} went away`);
  const reader = await repository.open(ref, 'backup restore');
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of reader.read(path, { signal: context.signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    await reader.close();
  }
}

async function agreeOn(
  { host, entry }: Target,
  then: string,
  fleet: Fleet,
  flags: BackupFlags,
  context: Context,
): Promise<AgreedConfig | undefined> {
  const reached = fleet.hosts.find((each) => each.entry.name === host.name);
  if (reached === undefined) return undefined;
  const { text: now } = await readConfig(reached, entry.config, context.signal);
  const back = configBack(now, then);
  show(paint('verdict', `${host.name}:${printable(entry.config)}`, context.colour), context);
  if (back.diff.length === 0) show('  as in the backup', context);
  for (const line of back.diff) show(`  ${painted(line, context)}`, context);
  for (const { directive, why } of back.byHand) show(`${directive} is left as it is: ${why}`, context, '  ! ');
  if (back.intent === undefined) return undefined;
  show('What would be written:', context);
  for (const line of back.changes) show(`  ${painted(line, context)}`, context);
  if (flags.yes || flags.dryRun || !context.isTerminal || context.noInput) {
    show('Each file needs its own yes, in a terminal.', context);
    return undefined;
  }
  const key = await createAsk(context).choose(`Write ${entry.config} on ${host.name}?`, [
    { key: 'y', says: 'keep it, then write these lines; it counts from the next start on' },
    { key: 'n', says: 'leave it as it is' },
  ]);
  return key === 'y' ? { host, entry, back } : undefined;
}

function painted(line: string, context: Context): string {
  return paint(line.startsWith('+') ? 'added' : 'removed', printable(line), context.colour);
}

function show(text: string, context: Context, first = ''): void {
  if (context.json || context.quiet) return;
  const lines = first === '' ? [text] : wrap(text, context.columns, first, '    ');
  context.stdout(`${lines.join('\n')}\n`);
}
