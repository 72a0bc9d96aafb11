/** The seven roles of colour; `losing` is the reverse form of danger for the one node whose data is given up. */
export type Role = 'verdict' | 'good' | 'warn' | 'danger' | 'losing' | 'unknown' | 'quiet' | 'added' | 'removed';

const codes: Readonly<Record<Role, string>> = {
  verdict: '1',
  good: '32',
  warn: '33',
  danger: '1;31',
  losing: '7;31',
  unknown: '35',
  quiet: '2',
  added: '32',
  removed: '31',
};

/** `text` in the look of its role (16-colour ANSI), or as it is without colour. Paint after padding: codes have no width. */
export function paint(role: Role, text: string, colour: boolean): string {
  return colour && text !== '' ? `\u001b[${codes[role]}m${text}\u001b[0m` : text;
}

/** Columns that a text takes: wide East Asian characters two, combining marks none. Expects no controls and no colour. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Widest line of prose; wider terminals do not make wider prose. */
export const proseWidth = 80;

/**
 * Prose in lines of at most `width` columns (never more than 80), the first after `first`, the others after `hang`.
 * Breaks at blanks only, never inside a grouped number or between a number and its unit; a longer word stands alone.
 */
export function wrap(text: string, width: number, first = '', hang = ''): string[] {
  const limit = Math.min(width, proseWidth);
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(breakable).filter((part) => part !== '')) {
    if (!empty && widthOf(line) + 1 + widthOf(word) > limit) {
      lines.push(line);
      line = hang;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return empty && lines.length > 0 ? lines : [...lines, line.trimEnd()];
}

const breakable = / +(?!(?<=\d )(?:\d{3}(?!\d)|(?:bytes?|s|ms|min|h|d|[kMG]B|keys?)\b))/;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Order of leaving when the table does not fit, lowest first; a column without one never leaves. */
  readonly drop?: number;
}

export type Cell = string | { readonly text: string; readonly role: Role };

export interface Row {
  /** `ok`, `..`, `!`, `x`, `?`, `>`: stands before the first column. */
  readonly sign?: string;
  readonly role?: Role;
  readonly cells: readonly Cell[];
  /** Free text after the last cell; on a line of its own where it does not fit. */
  readonly note?: string;
}

export interface TableOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Columns before the table; signs stand at their start. */
  readonly indent?: number;
  readonly header?: boolean;
}

/**
 * A table of at most `width` columns. Cells are never shortened: columns leave in the order of `drop` until it fits, and
 * a table of nothing but names may be wider than the terminal.
 */
export function table(columns: readonly Column[], rows: readonly Row[], options: TableOptions): string[] {
  const indent = options.indent ?? 2;
  const kept = keptColumns(columns, rows, options.width - indent);
  const widths = kept.map((index) => columnWidth(columns, rows, index));
  const header: Row = { cells: columns.map((column) => ({ text: column.title, role: 'quiet' as const })) };
  const shown = options.header === false ? rows : [header, ...rows];
  return shown.flatMap((row) => rowLines(row, columns, kept, widths, indent, options));
}

function keptColumns(columns: readonly Column[], rows: readonly Row[], room: number): readonly number[] {
  let kept = columns.map((_column, index) => index);
  const leaving = kept
    .filter((index) => columns[index]?.drop !== undefined)
    .sort((a, b) => (columns[a]?.drop ?? 0) - (columns[b]?.drop ?? 0));
  const needed = () => kept.reduce((sum, index) => sum + columnWidth(columns, rows, index) + 2, -2);
  for (const index of leaving) {
    if (needed() <= room) break;
    kept = kept.filter((other) => other !== index);
  }
  return kept;
}

function columnWidth(columns: readonly Column[], rows: readonly Row[], index: number): number {
  return Math.max(widthOf(columns[index]?.title ?? ''), ...rows.map((row) => widthOf(textOf(row.cells[index] ?? ''))));
}

function rowLines(
  row: Row,
  columns: readonly Column[],
  kept: readonly number[],
  widths: readonly number[],
  indent: number,
  options: TableOptions,
): string[] {
  const sign = padEnd(row.sign ?? '', indent);
  const cells = kept.map((index, position) => paddedCell(row, columns, index, widths[position] ?? 0, options.colour));
  const line = (row.role ? paint(row.role, sign, options.colour) : sign) + cells.join('  ');
  if (!row.note) return [options.colour ? line : line.trimEnd()];
  const used = indent + widths.reduce((sum, width) => sum + width + 2, 0);
  if (used + widthOf(row.note) <= options.width) return [`${line}  ${row.note}`];
  return [line.trimEnd(), ...wrap(row.note, options.width, ' '.repeat(indent + 4), ' '.repeat(indent + 4))];
}

function paddedCell(row: Row, columns: readonly Column[], index: number, width: number, colour: boolean): string {
  const cell = row.cells[index] ?? '';
  const text = columns[index]?.align === 'right' ? padStart(textOf(cell), width) : padEnd(textOf(cell), width);
  return typeof cell === 'string' ? text : paint(cell.role, text, colour);
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

/** `left`, and the quiet `right` from column 40 on (or two blanks after it); on two lines where both do not fit. */
export function twoColumns(left: string, right: string, options: { width: number; colour: boolean }): string[] {
  const quiet = paint('quiet', right, options.colour);
  const column = Math.max(39, widthOf(left) + 2);
  if (column + widthOf(right) > options.width) return [left, quiet];
  return [padEnd(left, column) + quiet];
}
