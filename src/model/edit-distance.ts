/**
 * The number of single-letter changes (insert, drop, replace, swap of neighbours) between two words. Stops at 64
 * letters each, so a hostile key cannot make it slow, and where it is known to be more than `most`, with a larger number than that.
 */
export function editDistance(left: string, right: string, most = Number.POSITIVE_INFINITY): number {
  const a = left.slice(0, 64).toLowerCase();
  const b = right.slice(0, 64).toLowerCase();
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  let leastAbove = 0;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const distance = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + same,
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
      current.push(distance);
      least = Math.min(least, distance);
    }
    // A row is made of the two above it (a swap reaches over one, and costs one): what is left only grows.
    if (least > most && leastAbove + 1 > most) return least;
    leastAbove = least;
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}

/** Whether two words are no more changes apart than `most`: words of very different length are not compared letter by letter. */
export function isWithinDistance(left: string, right: string, most: number): boolean {
  const lengthOf = (word: string) => word.slice(0, 64).toLowerCase().length;
  return Math.abs(lengthOf(left) - lengthOf(right)) <= most && editDistance(left, right, most) <= most;
}
