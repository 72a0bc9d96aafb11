import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { BackupStatusRow, BackupStatusView } from '../../model/backup-view.js';
import { codeOf } from '../repository/durable.js';

const prefix = 'redis_runbook_backup';

interface Metric {
  readonly name: string;
  readonly help: string;
  /** Undefined = not known of this group: then the line is left out, never a zero that looks like a value. */
  readonly of: (row: BackupStatusRow) => number | bigint | undefined;
}

const metrics: readonly Metric[] = [
  {
    name: 'last_success_timestamp_seconds',
    help: 'When the data of the newest good backup is from.',
    of: ({ newest }) => seconds(newest?.takenAt),
  },
  {
    name: 'last_attempt_timestamp_seconds',
    help: 'When the last try to make a backup began.',
    of: ({ lastTry }) => seconds(lastTry?.startedAt),
  },
  {
    name: 'last_attempt_success',
    help: '1 when the last try ended well, 0 when it failed or was killed.',
    of: lastResult,
  },
  { name: 'last_attempt_duration_seconds', help: 'How long the last try took.', of: lastDuration },
  { name: 'size_bytes', help: 'Size of the newest good backup.', of: ({ newest }) => newest?.sizeBytes },
  { name: 'keys', help: 'Keys in the newest good backup.', of: ({ newest }) => newest?.keys },
  {
    name: 'last_drill_success_timestamp_seconds',
    help: 'When a server last loaded a backup whole.',
    of: ({ drilledAt }) => seconds(drilledAt),
  },
  { name: 'limit_seconds', help: 'How old the newest good backup may be.', of: ({ limitMs }) => limitMs / 1000 },
  {
    name: 'late',
    help: '1 when the newest good backup is older than the limit, or there is none.',
    of: ({ state }) => (state === 'late' ? 1 : 0),
  },
  { name: 'good', help: 'Good backups that are kept.', of: ({ good }) => good },
  { name: 'bad', help: 'Backups that are not what was stored or signed.', of: ({ bad }) => bad },
];

/** The text of a textfile for node_exporter (Prometheus exposition format 0.0.4). */
export function metricsText(view: BackupStatusView): string {
  const families = metrics.map(({ name, help, of }) =>
    family(
      name,
      help,
      view.groups.flatMap((row) => sample(name, row, of(row))),
    ),
  );
  const free = family('repository_free_bytes', 'Bytes that are free where backups are kept.', [
    `${prefix}_repository_free_bytes ${view.freeBytes}`,
  ]);
  const written = family('metrics_timestamp_seconds', 'When these metrics were written.', [
    `${prefix}_metrics_timestamp_seconds ${seconds(view.at)}`,
  ]);
  return [...families, free, written].join('');
}

function family(name: string, help: string, samples: readonly string[]): string {
  if (samples.length === 0) return '';
  return `# HELP ${prefix}_${name} ${help}\n# TYPE ${prefix}_${name} gauge\n${samples.join('\n')}\n`;
}

function sample(
  name: string,
  { fleet, group }: BackupStatusRow,
  value: number | bigint | undefined,
): readonly string[] {
  return value === undefined ? [] : [`${prefix}_${name}{fleet="${label(fleet)}",group="${label(group)}"} ${value}`];
}

/** Label values escape backslash, quote and line feed. */
function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function seconds(iso: string | undefined): number | undefined {
  return iso === undefined ? undefined : Math.floor(Date.parse(iso) / 1000);
}

function lastResult({ lastTry, neverFinished }: BackupStatusRow): number | undefined {
  if (lastTry === undefined || (lastTry.outcome === 'under-way' && !neverFinished)) return undefined;
  return lastTry.outcome === 'good' ? 1 : 0;
}

function lastDuration({ lastTry }: BackupStatusRow): number | undefined {
  if (lastTry?.endedAt === undefined) return undefined;
  return (Date.parse(lastTry.endedAt) - Date.parse(lastTry.startedAt)) / 1000;
}

/**
 * Writes `redis-runbook-backup.prom` into the directory of the textfile collector, whole or not at all (0644: the
 * collector is another user). Rejects with RunbookError `usage` when it cannot be written.
 */
export async function writeMetrics(directory: string, view: BackupStatusView): Promise<void> {
  // The collector reads names that end in .prom only.
  const temporary = join(directory, `.redis-runbook-backup.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(metricsText(view));
      await handle.chmod(0o644);
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, 'redis-runbook-backup.prom'));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new RunbookError(
      'usage',
      `The metrics cannot be written to ${directory} (${codeOf(error) ?? String(error)}).`,
      {
        next: ['name the directory of --collector.textfile.directory of node_exporter'],
      },
    );
  }
}
