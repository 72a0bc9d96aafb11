import { drilledAt, readCatalogue } from '../../backup/catalogue.js';
import { type DrillTools, drillBackup } from '../../backup/drill.js';
import type { BackupRef, BackupScope } from '../../backup/repository/repository.js';
import { createPinger } from '../../backup/schedule/ping.js';
import { RunbookError } from '../../errors.js';
import type { BackupSettings } from '../../model/retention.js';
import type { Context } from '../context.js';

/** A group whose newest drill is older gets its next backup drilled: a proof each week, without loading every night's. */
const DRILL_EVERY_MS = 7 * 24 * 60 * 60_000;

/**
 * Runs the work of a timer between the pings that fleet.yaml asks for; the lines that it told go with the last one. A ping
 * that nobody heard is told and changes nothing.
 */
export async function pinged(
  settings: BackupSettings,
  context: Context,
  work: (told: (line: string) => void) => Promise<number>,
): Promise<number> {
  const pinger = await createPinger(settings.ping, process.env);
  const lines: string[] = [];
  const heard = (trouble: string | undefined) => {
    if (trouble !== undefined) context.stderr(`The ping was not heard: ${trouble}\n`);
  };
  heard(await pinger.start());
  try {
    const status = await work((line) => lines.push(line));
    heard(await (status === 0 ? pinger.success(lines.join('\n')) : pinger.failure(lines.join('\n'))));
    return status;
  } catch (error) {
    lines.push(error instanceof Error ? error.message : String(error));
    heard(await pinger.failure(lines.join('\n')));
    throw error;
  }
}

/** Drills a new backup when nothing of its group was proven to load within a week. Rejects with RunbookError `bad-backup` when it does not. */
export async function drillWhenDue(
  ref: BackupRef,
  scope: BackupScope,
  tools: DrillTools,
  tell: (line: string) => void,
): Promise<void> {
  const all = await readCatalogue(tools.repository, scope, tools.trust);
  const last = Math.max(0, ...all.map((backup) => Date.parse(drilledAt(backup) ?? '') || 0));
  if (tools.now().getTime() - last < DRILL_EVERY_MS) return;
  const { check } = await drillBackup(ref, tools);
  if (check.result === 'good') tell(`${ref.id} was loaded in a closed server and holds what it says`);
  if (check.result === 'unknown') tell(`${ref.id} could not be drilled here: ${check.details.join('; ')}`);
  if (check.result !== 'bad') return;
  throw new RunbookError('bad-backup', `The backup ${ref.id} of ${ref.group} cannot be trusted: its drill failed.`, {
    facts: check.details,
    next: [`redis-runbook backup show ${ref.id}`, 'redis-runbook backup create'],
  });
}
