import type { Found, Member, Visit } from '../model/found.js';
import { printable } from './escape.js';
import { paint, proseWidth, type Row, table, wrap } from './layout.js';
import { listed } from './quantities.js';

export interface FoundLook {
  readonly width: number;
  readonly colour: boolean;
  /** Every name that names a member, and every config file. */
  readonly verbose: boolean;
}

const SHOWN_NAMES = 2;

/**
 * What a search found: every member, how it is known, and what could not be seen. ASCII, at most `width` columns but for
 * the table's names. It says of each member whether its own file was read, or who claims that it is there.
 */
export function foundLines(found: Found, look: FoundLook): readonly string[] {
  const rows = found.members.map((member) => rowOf(member, found, look));
  const columns = [
    { title: 'MACHINE' },
    { title: 'NODE' },
    ...(found.groups.length > 1 ? [{ title: 'GROUP' }] : []),
    { title: 'RUNS' },
    { title: 'KNOWN' },
  ];
  return [
    paint('verdict', `FOUND FROM ${found.from.map(printable).join(' ')}`, look.colour),
    ...wrap(summaryOf(found), look.width),
    '',
    ...table(columns, rows, look),
    ...noticeLines(found, look),
    ...wrap('Members that no file and no answer names cannot be known from here.', look.width),
  ];
}

/** Counts, in a sentence. */
export function summaryOf({ members, groups, visits }: Found): string {
  const redis = members.filter(({ kind }) => kind === 'redis').length;
  const sentinels = members.length - redis;
  const entered = visits.filter(({ seen }) => seen.ok).length;
  const of = groups.length === 0 ? '' : ` of ${listed(groups.map(printable))}`;
  const machines = `${visits.length} machine${visits.length === 1 ? '' : 's'}`;
  const where = entered === visits.length ? machines : `${machines}, of which ${entered} could be entered`;
  return `${redis} redis and ${sentinels} sentinel${sentinels === 1 ? '' : 's'}${of} on ${where}.`;
}

function rowOf(member: Member, found: Found, { verbose }: FoundLook): Row {
  const { kind, host, port, groups, known, runs, config } = member;
  const visit = found.visits.find(({ name }) => name === member.visit);
  const machine =
    visit?.isNamed === true && visit.address !== host && visit.name !== host
      ? `${visit.name} ${host}`
      : visit?.isNamed
        ? visit.name
        : host;
  const others = member.by.filter((name) => name.replace(/\/sentinel$/, '') !== member.visit);
  const words = known === 'seen' ? seenWords(others) : `named by ${namesOf(member.by)}`;
  const by = others.length === 0 ? '' : `named by ${listed(others.map(printable))}`;
  const note = [config === undefined ? '' : printable(config), by].filter((text) => text !== '').join('; ');
  const row = {
    cells: [
      printable(machine),
      `${kind} ${port}`,
      ...(found.groups.length > 1 ? [groups.map(printable).join(' ')] : []),
      runs === undefined ? '?' : runs ? 'yes' : 'no',
      words,
    ],
    ...(verbose && note !== '' ? { note } : {}),
  };
  return known === 'seen' ? row : { ...row, sign: '?', role: 'unknown' };
}

/** Its own file was read; how many others, of other machines, name it. */
function seenWords(others: readonly string[]): string {
  if (others.length === 0) return 'seen; nobody else names it';
  return `seen; named by ${others.length === 1 ? printable(others[0] ?? '') : `${others.length} others`}`;
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES - (names.length > SHOWN_NAMES ? 1 : 0));
  const rest = names.length - shown.length;
  return rest === 0 ? listed(shown.map(printable)) : `${shown.map(printable).join(', ')} and ${rest} more`;
}

function noticeLines(found: Found, look: FoundLook): readonly string[] {
  const dark = found.visits.filter(({ seen }) => !seen.ok);
  const lines = [
    ...dark.flatMap((visit) => signed('?', notEntered(visit), look)),
    ...found.conflicts.flatMap((text) => signed('x', text, look)),
    ...found.notes.flatMap((text) => signed('-', text, look)),
  ];
  return lines.length === 0 ? [''] : ['', ...lines, ''];
}

function notEntered({ name, seen }: Visit): string {
  const why = seen.ok ? '' : seen.detail;
  const reason = why.replace(/\.$/, '').replace(`${name} cannot be reached: `, '');
  return `${name} could not be entered: ${reason}. What it holds, and whom it names, is not known.`;
}

function signed(sign: '?' | 'x' | '-', text: string, { width, colour }: FoundLook): readonly string[] {
  const role = { x: 'danger', '?': 'unknown', '-': 'quiet' } as const;
  const [first = '', ...rest] = wrap(printable(text), Math.min(width, proseWidth) - 2);
  return [`${paint(role[sign], sign, colour)} ${first}`, ...rest.map((line) => `  ${line}`)];
}

/** The same for machines. `file` is the fleet file that was made of it. */
export function foundJson(found: Found, file: string): object {
  const { from, groups, members, conflicts, notes, visits } = found;
  const machines = visits.map(({ name, address, transport, isNamed, seen }) => ({
    name,
    address,
    transport,
    named: isNamed,
    entered: seen.ok,
    ...(seen.ok ? { callsItself: seen.value.name } : { why: seen.why, detail: seen.detail }),
  }));
  return { from, file, groups, machines, members, conflicts, notes };
}
