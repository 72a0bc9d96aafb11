import type { KeyLedger, KeyTally } from '../model/ledger.js';
import { printable } from './escape.js';
import { table, wrap } from './layout.js';
import { duration, grouped } from './quantities.js';

export interface LedgerLook {
  readonly width: number;
  readonly colour: boolean;
}

/** Prefixes beyond these add up in one line. */
const MOST_ROWS = 12;

/** What a set-aside branch alone holds, in keys: counts, types and shared beginnings, never a name. `left` is the branch, `right` the data that will serve. */
export function renderLedger(ledger: KeyLedger, look: LedgerLook): string {
  const aside = printable(ledger.left.node);
  const master = printable(ledger.right.node);
  const walked = ledger.left.keys + ledger.right.keys;
  const lines = [
    ...wrap(headline(ledger, aside, master), look.width),
    '',
    ...tallyRows(`only on ${aside}`, ledger.onlyLeft, look),
    ...tallyRows('on both, different', ledger.different, look),
    ...tallyRows('on both, other expiry', ledger.otherExpiry, look),
    ...notes(ledger, aside, master, look),
    ...wrap(
      `Compared ${grouped(walked)} keys in ${duration(ledger.elapsedMs)}${ledger.isExact ? '' : '; the counts are not exact'}.`,
      look.width,
      '  ',
      '  ',
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function headline({ onlyLeft, onlyRight, different }: KeyLedger, aside: string, master: string): string {
  const other =
    different.keys === 0n
      ? ''
      : `, and ${keys(different.keys)} keep${different.keys === 1n ? 's' : ''} ${master}'s value`;
  return (
    `With ${master} as master, ${keys(onlyLeft.keys)} that only ${aside} has ${onlyLeft.keys === 1n ? 'is' : 'are'} set aside${other}. ` +
    `With ${aside} as master it would be ${keys(onlyRight.keys)} of ${master}.`
  );
}

function keys(count: bigint): string {
  return `${grouped(count)} ${count === 1n ? 'key' : 'keys'}`;
}

function tallyRows(title: string, tally: KeyTally, look: LedgerLook): readonly string[] {
  if (tally.keys === 0n) return [];
  const shown = tally.byPrefix.slice(0, MOST_ROWS);
  const others = tally.keys - shown.reduce((sum, row) => sum + row.keys, 0n);
  const rows = [
    ...shown.map((row) => ({ cells: [`${printable(row.prefix)}*`, grouped(row.keys), row.type] })),
    ...(others > 0n ? [{ cells: ['(other)', grouped(others), typesOf(tally)] }] : []),
  ];
  const columns = [
    { title: `${title} (${grouped(tally.keys)})` },
    { title: 'KEYS', align: 'right' as const },
    { title: 'TYPE' },
  ];
  return [...table(columns, rows, look), ''];
}

function typesOf({ byType }: KeyTally): string {
  return byType.map(({ type }) => printable(type)).join(', ');
}

function notes(
  { left, right, onlyLeft }: KeyLedger,
  aside: string,
  master: string,
  look: LedgerLook,
): readonly string[] {
  const expired = [left, right].filter((side) => side.expired > 0n);
  const says = [
    ...(onlyLeft.keys > 0n
      ? [`Keys that ${master} deleted after the split are counted as "only on ${aside}" too.`]
      : []),
    ...(expired.length > 0
      ? [
          `Keys whose time is over are counted nowhere: ${expired.map((side) => `${grouped(side.expired)} on ${printable(side.node)}`).join(', ')}.`,
        ]
      : []),
  ];
  return says.flatMap((text) => wrap(text, look.width, '  ', '  '));
}
