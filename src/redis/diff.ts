/** One line of a comparison: in both (` `), only in the new text (`+`), only in the old one (`-`). */
export interface DiffLine {
  readonly op: ' ' | '+' | '-';
  readonly text: string;
}

const cellLimit = 4_000_000;

/** The lines of two texts aligned by their longest common part; very large changed parts come as all old, then all new. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  const head = commonLength(before, after);
  const tail = commonLength(before.slice(head).reverse(), after.slice(head).reverse());
  return [
    ...before.slice(0, head).map((text): DiffLine => ({ op: ' ', text })),
    ...diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map((text): DiffLine => ({ op: ' ', text })),
  ];
}

function commonLength(a: readonly string[], b: readonly string[]): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return at;
  return length;
}

function diffMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const width = after.length + 1;
  if ((before.length + 1) * width > cellLimit) return [...before.map(removed), ...after.map(added)];
  const common = commonTable(before, after);
  const lines: DiffLine[] = [];
  let b = 0;
  let a = 0;
  for (let old = before[b], now = after[a]; old !== undefined || now !== undefined; old = before[b], now = after[a]) {
    if (old !== undefined && old === now) {
      lines.push({ op: ' ', text: old });
      b += 1;
      a += 1;
    } else if (
      old !== undefined &&
      (now === undefined || cell(common, (b + 1) * width + a) >= cell(common, b * width + a + 1))
    ) {
      lines.push(removed(old));
      b += 1;
    } else if (now !== undefined) {
      lines.push(added(now));
      a += 1;
    }
  }
  return lines;
}

/** Lengths of the longest common subsequence of every pair of rests, row by row. */
function commonTable(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const table = new Uint32Array((before.length + 1) * width);
  for (let b = before.length - 1; b >= 0; b -= 1) {
    for (let a = after.length - 1; a >= 0; a -= 1) {
      table[b * width + a] =
        before[b] === after[a]
          ? cell(table, (b + 1) * width + a + 1) + 1
          : Math.max(cell(table, (b + 1) * width + a), cell(table, b * width + a + 1));
    }
  }
  return table;
}

function cell(table: Uint32Array, at: number): number {
  return table[at] ?? 0;
}

function removed(text: string): DiffLine {
  return { op: '-', text };
}

function added(text: string): DiffLine {
  return { op: '+', text };
}
