// What the benchmarks print: one table, each row judged against what it must not exceed.

/** The middle of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const columns = ['what', 'median', 'min', 'max', 'against', 'ratio', 'verdict'];

/**
 * Rows `{ what, values, unit, digits, against?, limit?, least? }`: `against` names another row, whose median divides this
 * one's; `limit` is the most that the ratio (or, with no `against`, the value) may be, `least` the least. Prints them and
 * returns whether all are kept.
 */
export function printTable(rows) {
  const byName = new Map(rows.map((row) => [row.what, row]));
  const judged = rows.map((row) => judge(row, byName));
  printCells(
    columns,
    judged.map(({ cells }) => cells),
    [0, 4, 6],
  );
  return judged.every(({ ok }) => ok);
}

/** Prints rows of texts under their headings; the columns of `words` stand to the left, the others are numbers. */
export function printCells(headings, rows, words = [0]) {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) {
    const padded = line.map((cell, i) => (words.includes(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(padded.join('  ').trimEnd());
  }
}

function judge({ what, values, unit, digits = 0, against, limit, least }, byName) {
  const says = (value) => `${value.toFixed(digits)} ${unit}`;
  const middle = median(values);
  const other = against === undefined ? undefined : byName.get(against);
  const ratio = other === undefined ? undefined : middle / median(other.values);
  const measured = ratio ?? (limit !== undefined && other === undefined ? Math.max(...values) : middle);
  const ok = (limit === undefined || measured <= limit) && (least === undefined || measured >= least);
  const target = limit !== undefined ? `at most ${limit}` : least !== undefined ? `at least ${least}` : '';
  const verdict = target === '' ? '' : `${ok ? 'ok' : 'x'}: ${target}`;
  return {
    ok,
    cells: [
      what,
      says(middle),
      says(Math.min(...values)),
      says(Math.max(...values)),
      against ?? '',
      ratio?.toFixed(2) ?? '',
      verdict,
    ],
  };
}

/** `--name value` of the command line as a number. */
export function numberFlag(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} wants a number`);
  return value;
}
