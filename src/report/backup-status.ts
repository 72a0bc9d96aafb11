import type { BackupStatusRow, BackupStatusView } from '../model/backup-view.js';
import { toJson } from '../model/json.js';
import { LEFT_ALONE } from './backup-left-alone.js';
import type { BackupTextOptions } from './backup-list.js';
import { printable, printableProse } from './escape.js';
import { type Column, paint, type Row, table, wrap } from './layout.js';
import { type NextCommand, nextLines } from './next-lines.js';
import { age, count, dayAndTime } from './quantities.js';

/** `backup status` as one JSON document. */
export function backupStatusJson(view: BackupStatusView): string {
  return `${toJson({ schema: 'redis-runbook/backup-status/1', ...view }, 2)}\n`;
}

/** `backup status`: who misses the target, then one row for each group, then what to type. */
export function backupStatusText(
  view: BackupStatusView,
  options: BackupTextOptions & { readonly fleetFlag: string },
): string {
  const rows = view.groups.map((row) => statusTableRow(row, options));
  const blocks = [
    headline(view, options),
    table(columns, rows, { ...options, indent: 3 }),
    nextLines(nextCommands(view, options.fleetFlag), options.width),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function headline({ groups, repository }: BackupStatusView, options: BackupTextOptions): string[] {
  const late = groups.filter(({ state }) => state === 'late');
  const sentences =
    groups.length === 0
      ? [`There is no backup in ${printableProse(repository)}.`]
      : late.length === 0
        ? [
            `${groups.length === 1 ? printable(groups[0]?.group ?? '') : `All ${count(groups.length, 'group')}`} ${groups.length === 1 ? 'has' : 'have'} a good backup that is young enough.`,
          ]
        : late.map((row) => lateSentence(row, options));
  const more = groups.flatMap((row) => attention(row));
  return wrap([...sentences, ...more].join(' '), options.width).map((line) => paint('verdict', line, options.colour));
}

function lateSentence(row: BackupStatusRow, options: BackupTextOptions): string {
  const limit = age(row.limitMs);
  const group = printable(row.group);
  const newest =
    row.ageMs === undefined
      ? `${group} misses its target: there is no good backup, and one at most ${limit} old is wanted.`
      : `${group} misses its target: the newest good backup is ${age(row.ageMs)} old, the limit is ${limit}.`;
  return `${newest} ${trySentence(row, options)}`.trim();
}

function trySentence(
  { lastTry, neverFinished }: BackupStatusRow,
  { utcOffsetMinutes, nowMs }: BackupTextOptions,
): string {
  if (lastTry === undefined) return 'No try is on record.';
  const when = dayAndTime(Date.parse(lastTry.startedAt), utcOffsetMinutes, nowMs);
  if (neverFinished) return `The last try, ${when}, never finished.`;
  const why = lastTry.why === undefined ? '' : `: ${printableProse(lastTry.why).replace(/\.$/, '')}`;
  return lastTry.outcome === 'failed' ? `The last try, ${when}, failed${why}.` : '';
}

function attention({ group, bad, unknown, future }: BackupStatusRow): readonly string[] {
  return [
    ...(future === 0
      ? []
      : [
          `${count(future, 'backup')} of ${printable(group)} ${future === 1 ? 'is' : 'are'} from the future and not counted: a clock is wrong.`,
        ]),
    ...(bad === 0 ? [] : [`${count(bad, 'backup')} of ${printable(group)} ${bad === 1 ? 'is' : 'are'} bad.`]),
    ...(unknown === 0
      ? []
      : [
          `${count(unknown, 'backup')} of ${printable(group)} ${unknown === 1 ? 'is' : 'are'} signed by somebody unknown and not counted.`,
        ]),
    ...(bad + unknown === 0 ? [] : [LEFT_ALONE]),
  ];
}

const columns: readonly Column[] = [
  { title: 'GROUP' },
  { title: 'NEWEST GOOD' },
  { title: 'AGE', align: 'right' },
  { title: 'LIMIT', align: 'right', drop: 2 },
  { title: 'LAST TRY' },
  { title: 'DRILLED', drop: 1 },
];

function statusTableRow(row: BackupStatusRow, { utcOffsetMinutes, nowMs }: BackupTextOptions): Row {
  const late = row.state === 'late';
  return {
    sign: late ? 'x' : 'ok',
    role: late ? 'danger' : 'good',
    cells: [
      printable(row.group),
      row.newest === undefined ? 'none' : dayAndTime(Date.parse(row.newest.takenAt), utcOffsetMinutes, nowMs),
      row.ageMs === undefined ? '-' : age(row.ageMs),
      age(row.limitMs),
      tryWord(row, utcOffsetMinutes, nowMs),
      row.drilledAt === undefined ? 'never' : `${shortAge(Math.max(0, nowMs - Date.parse(row.drilledAt)))} ago`,
    ],
  };
}

function tryWord({ lastTry, neverFinished }: BackupStatusRow, utcOffsetMinutes: number, nowMs: number): string {
  if (lastTry === undefined) return '-';
  const day = dayAndTime(Date.parse(lastTry.startedAt), utcOffsetMinutes, nowMs).split(' ').slice(0, 2).join(' ');
  if (neverFinished) return `killed ${day}`;
  return { good: 'good', failed: `failed ${day}`, 'under-way': 'under way' }[lastTry.outcome];
}

function nextCommands({ groups }: BackupStatusView, fleetFlag: string): readonly NextCommand[] {
  const late = groups.filter(({ state }) => state === 'late');
  const create = late.map(({ group }) => ({
    command: `redis-runbook backup create ${printable(group)}${fleetFlag}`,
    says: '',
  }));
  const look = groups.some(({ bad, unknown }) => bad + unknown > 0)
    ? [{ command: `redis-runbook backup list${fleetFlag}`, says: '' }]
    : [];
  return [...create, ...look];
}

/** What a monitoring plugin says: one line, and a status of its own convention. */
export interface NagiosAnswer {
  readonly line: string;
  /** 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: fixed by the Nagios plugin interface, not by our table. */
  readonly exit: 0 | 1 | 2 | 3;
}

/**
 * CRITICAL: a group misses its limit. WARNING: a bad backup, an unknown signer, or a last try that failed. Performance
 * data: the age in seconds with the limit and twice the limit.
 */
export function nagiosAnswer({ groups }: BackupStatusView): NagiosAnswer {
  if (groups.length === 0) return { line: 'UNKNOWN - no group has a backup', exit: 3 };
  const critical = groups.filter(({ state }) => state === 'late').map(nagiosLate);
  const warning = groups.flatMap(nagiosWarnings);
  const good = groups.map(
    (row) =>
      `${printable(row.group)} newest good backup ${shortAge(row.ageMs ?? 0)} old (limit ${shortAge(row.limitMs)})`,
  );
  const [word, exit, said] =
    critical.length > 0
      ? (['CRITICAL', 2, critical] as const)
      : warning.length > 0
        ? (['WARNING', 1, warning] as const)
        : (['OK', 0, good] as const);
  // A bar would end the text: performance data begin there.
  const text = [...said].join('; ').replaceAll('|', '/');
  const data = groups.flatMap((row) => performanceData(row, groups.length > 1)).join(' ');
  return { line: `${word} - ${text}${data === '' ? '' : ` | ${data}`}`, exit };
}

function nagiosLate(row: BackupStatusRow): string {
  const limit = `(limit ${shortAge(row.limitMs)})`;
  const group = printable(row.group);
  return row.ageMs === undefined
    ? `${group} has no good backup ${limit}`
    : `${group} newest good backup ${shortAge(row.ageMs)} old ${limit}`;
}

function nagiosWarnings(row: BackupStatusRow): readonly string[] {
  const group = printable(row.group);
  return [
    // One line for a pager: what is wrong, not what prune does about it.
    ...attention(row)
      .filter((sentence) => sentence !== LEFT_ALONE)
      .map((sentence) => sentence.replace(/\.$/, '')),
    ...(row.neverFinished ? [`${group} last try never finished`] : []),
    ...(row.lastTry?.outcome === 'failed'
      ? [`${group} last try failed: ${printable(row.lastTry.why ?? 'no reason on record').slice(0, 200)}`]
      : []),
  ];
}

function performanceData(row: BackupStatusRow, several: boolean): readonly string[] {
  if (row.ageMs === undefined) return [];
  const [seconds, limit, twice] = [row.ageMs, row.limitMs, 2 * row.limitMs].map((value) => Math.floor(value / 1000));
  return [`${several ? `'age ${printable(row.group).replace(/['=]/g, '_')}'` : 'age'}=${seconds}s;${limit};${twice}`];
}

/** `26 h`, `54 min`, `3 d`: one unit, as monitoring wants it; hours up to three days. */
function shortAge(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours <= 72 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
