import type { BackupGroupView, BackupListView, BackupView } from '../model/backup-view.js';
import { toJson } from '../model/json.js';
import { LEFT_ALONE } from './backup-left-alone.js';
import { printable, printableProse } from './escape.js';
import { type Cell, type Column, paint, type Row, table, widthOf, wrap } from './layout.js';
import { age, count, dayAndTime, grouped, shortZone, size } from './quantities.js';

export interface BackupTextOptions {
  readonly width: number;
  readonly colour: boolean;
  readonly utcOffsetMinutes: number;
  readonly nowMs: number;
}

/** Rows of one group that are shown without --all; what is not good is always shown. */
const shownRows = 10;

/** `backup list` as one JSON document. */
export function backupListJson(view: BackupListView): string {
  return `${toJson({ schema: 'redis-runbook/backup-list/1', ...view }, 2)}\n`;
}

/** `backup list`: how much there is, then one table for each group, newest first. */
export function backupListText(view: BackupListView, options: BackupTextOptions & { readonly all: boolean }): string {
  const blocks = [
    headline(view, options),
    ...view.groups.map((group) => groupLines(group, view.repository, options)),
    ...view.groups.map((group) => notes(group, options)),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function headline({ groups, repository }: BackupListView, { width, colour, nowMs }: BackupTextOptions): string[] {
  const all = groups.flatMap(({ backups }) => backups);
  const good = all.filter(({ state }) => state === 'good');
  const bytes = good.reduce((sum, one) => sum + (one.sizeBytes ?? 0n), 0n);
  const newest = Math.max(...good.map(({ takenAt }) => Date.parse(takenAt)));
  const of = (state: BackupView['state'], word: string) => {
    const found = all.filter((one) => one.state === state).length;
    return found === 0 ? [] : [`${found} ${word}.`];
  };
  const much = good.length === 0 ? '' : `, ${size(bytes)}, newest ${age(Math.max(0, nowMs - newest))} old`;
  const held = new Set(good.map(({ fleet, group }) => `${fleet} / ${group}`)).size;
  const sentences = [
    good.length === 0
      ? `There is no good backup in ${printableProse(repository)}.`
      : `${count(good.length, 'good backup')} of ${count(held, 'group')}${much}.`,
    ...of('incomplete', 'incomplete'),
    ...of('bad', 'bad'),
    ...of('unknown', 'signed by somebody unknown'),
  ];
  return wrap(sentences.join(' '), width).map((line) => paint('verdict', line, colour));
}

function groupLines(
  group: BackupGroupView,
  repository: string,
  options: BackupTextOptions & { readonly all: boolean },
): string[] {
  const { backups } = group;
  const shown = options.all
    ? backups
    : backups.filter((one, index) => index < shownRows || one.state !== 'good' || one.pinned !== undefined);
  const head = `${printable(group.fleet)} / ${printable(group.group)}`;
  const place = `repository ${printableProse(repository)}   not encrypted, signed`;
  const older = backups.length - shown.length;
  return [
    ...headLines(head, place, options.width),
    ...(shown.length === 0
      ? ['  nothing yet']
      : table(
          columns(options),
          shown.map((one) => rowOf(one, options)),
          options,
        )),
    ...(older === 0 ? [] : [`  ...   ${older} older, --all shows them`]),
  ];
}

function headLines(head: string, place: string, width: number): readonly string[] {
  const line = `${head}        ${place}`;
  return widthOf(line) <= width ? [line] : [head, ...wrap(place, width, '  ', '  ')];
}

function columns({ utcOffsetMinutes }: BackupTextOptions): readonly Column[] {
  return [
    { title: 'ID' },
    { title: `TAKEN (${shortZone(utcOffsetMinutes)})` },
    { title: 'FROM', drop: 2 },
    { title: 'KIND', drop: 1 },
    { title: 'SIZE', align: 'right', drop: 3 },
    { title: 'KEYS', align: 'right' },
    { title: 'CHECKED' },
    { title: 'KEPT AS', drop: 4 },
  ];
}

function rowOf(one: BackupView, { utcOffsetMinutes, nowMs }: BackupTextOptions): Row {
  const signs = { good: '', bad: 'x', unknown: '?', incomplete: 'x' } as const;
  const proof: Cell = one.proof === 'bad' ? { text: 'bad', role: 'danger' } : one.proof;
  const words = { good: keptWords(one), bad: 'bad', unknown: 'unknown signer', incomplete: 'incomplete' } as const;
  return {
    sign: signs[one.state],
    ...(one.state === 'good' ? {} : { role: one.state === 'unknown' ? ('unknown' as const) : ('danger' as const) }),
    cells: [
      one.id,
      dayAndTime(Date.parse(one.takenAt), utcOffsetMinutes, nowMs),
      printable(one.from ?? '-'),
      one.kind,
      one.sizeBytes === undefined ? '-' : size(one.sizeBytes),
      one.keys === undefined ? '-' : grouped(one.keys),
      proof,
      words[one.state],
    ],
  };
}

/** The rules that keep it, each once: `last daily`; a pin says whose. */
function keptWords(one: BackupView): string {
  if (one.pinned !== undefined) return printableProse(`pinned ${one.pinned}`.trim()).slice(0, 40);
  const words = one.kept
    .filter((reason) => !reason.startsWith('newest'))
    .map((reason) => reason.replace(/^oldest | \d+$/g, ''));
  const rest = words.length > 0 ? words : one.kept;
  return rest.length === 0 ? '-' : printableProse([...new Set(rest)].join(' '));
}

function notes({ backups, strange, underWay }: BackupGroupView, { width }: BackupTextOptions): string[] {
  const of = (state: BackupView['state']) => backups.filter((one) => one.state === state);
  const writing =
    underWay === undefined
      ? []
      : [
          `${printableProse(underWay.user)} on ${printableProse(underWay.host)} makes one since ${printableProse(underWay.since)}.`,
        ];
  const left = underWay === undefined ? of('incomplete').map(({ id }) => id) : [];
  const sentences = [
    ...writing,
    ...(left.length === 0
      ? []
      : [`${left.join(', ')} never finished: the next backup goes on with it, or prune removes it after 24 h.`]),
    ...of('bad').map(({ id, troubles }) => `${id}: ${printableProse(troubles[0]?.text ?? 'a check found it bad')}.`),
    ...of('unknown').map(
      ({ id, signer }) =>
        `${id} is signed by ${printableProse(signer?.name ?? '?')}, key ${signer?.fingerprint ?? '?'}: --accept-signer NAME takes it as good.`,
    ),
    ...(of('bad').length + of('unknown').length === 0 ? [] : [LEFT_ALONE]),
    ...(strange.length === 0
      ? []
      : [
          `No backups, left alone: ${strange.slice(0, 5).map(printableProse).join(', ')}${strange.length > 5 ? ', ...' : ''}.`,
        ]),
  ];
  return sentences.flatMap((sentence) => wrap(sentence, width));
}
