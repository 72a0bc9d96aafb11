import type { PruneGroupView, PruneView } from '../model/backup-view.js';
import { toJson } from '../model/json.js';
import type { BackupTextOptions } from './backup-list.js';
import { printable, printableProse } from './escape.js';
import { paint, table, wrap } from './layout.js';
import { nextLines } from './next-lines.js';
import { count, dayAndTime, duration, size } from './quantities.js';

/** `backup prune` as one JSON document. */
export function backupPruneJson(view: PruneView): string {
  return `${toJson({ schema: 'redis-runbook/backup-prune/1', ...view }, 2)}\n`;
}

/** `backup prune`: what goes and what stays, with the reason of each; in a dry run how to do it. */
export function backupPruneText(view: PruneView, options: BackupTextOptions & { readonly fleetFlag: string }): string {
  const blocks = [
    headline(view, options),
    ...view.groups.map((group) => groupLines(group, options)),
    ...view.groups.map((group) => notes(group, options)),
    next(view, options),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function headline(view: PruneView, { width, colour }: BackupTextOptions): string[] {
  const going = view.groups.flatMap((group) =>
    group.refusals.length > 0 ? [] : group.rows.filter(({ keep }) => !keep),
  );
  const removed = view.groups.flatMap((group) => group.removed);
  const refused = view.groups.filter(({ refusals }) => refusals.length > 0);
  const days = duration(view.trashMs);
  const sentences = [
    view.applied
      ? `${count(removed.length, 'backup')} went to the trash, where ${removed.length === 1 ? 'it stays' : 'they stay'} for ${days}.`
      : `${count(going.length, 'backup')} would go to the trash, and be there for ${days}. Nothing was changed.`,
    ...(refused.length === 0
      ? []
      : [`Refused for ${refused.map(({ group }) => printable(group)).join(', ')}: see below.`]),
    ...(view.emptied.length === 0 ? [] : [`${view.emptied.join(', ')} left the trash for good.`]),
    ...(view.swept.length === 0
      ? []
      : [`${view.swept.join(', ')} never finished and ${view.swept.length === 1 ? 'was' : 'were'} swept.`]),
  ];
  return wrap(sentences.join(' '), width).map((line) => paint('verdict', line, colour));
}

function groupLines({ fleet, group, rows, backups, refusals }: PruneGroupView, options: BackupTextOptions): string[] {
  const columns = [
    { title: 'ID' },
    { title: 'TAKEN' },
    { title: 'SIZE', align: 'right' as const, drop: 1 },
    { title: 'REASONS' },
  ];
  const shown = rows.map((row) => {
    const one = backups.find(({ id }) => id === row.id);
    const taken = dayAndTime(Date.parse(one?.takenAt ?? ''), options.utcOffsetMinutes, options.nowMs);
    const goes = !row.keep && refusals.length === 0;
    return {
      sign: row.keep ? '' : goes ? '-' : '!',
      ...(goes ? { role: 'removed' as const } : {}),
      cells: [
        row.id,
        taken,
        one?.sizeBytes === undefined ? '-' : size(one.sizeBytes),
        printableProse(row.reasons.join(', ')),
      ],
    };
  });
  return [
    `${printable(fleet)} / ${printable(group)}        - goes, the others stay`,
    ...table(columns, shown, options),
  ];
}

function notes({ group, refusals, busy }: PruneGroupView, { width }: BackupTextOptions): string[] {
  return [
    ...refusals.map(({ text }) => `x  ${printable(group)}: ${printableProse(text)}; nothing of it is removed.`),
    ...busy.map(({ id, by }) => `-  ${id} is being read (${printableProse(by)}) and stays for now.`),
  ].flatMap((line) => wrap(line, width, '', '   '));
}

function next(view: PruneView, { width, fleetFlag }: BackupTextOptions & { readonly fleetFlag: string }): string[] {
  const most = view.groups.some(({ refusals }) => refusals.some(({ what }) => what === 'most-would-go'));
  const goes = view.groups.some(({ rows, refusals }) => refusals.length === 0 && rows.some(({ keep }) => !keep));
  const commands = [
    ...(!view.applied && goes
      ? [{ command: `redis-runbook backup prune --apply${fleetFlag}`, says: 'moves them to the trash' }]
      : []),
    ...(most
      ? [
          {
            command: `redis-runbook backup prune --apply --remove-most${fleetFlag}`,
            says: 'also where more than half go',
          },
        ]
      : []),
  ];
  return nextLines(commands, width);
}
