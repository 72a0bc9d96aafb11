/** Items of equal key together, groups and items in the order in which they came. */
export function byKey<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const same = groups.get(key(item));
    if (same === undefined) groups.set(key(item), [item]);
    else same.push(item);
  }
  return [...groups.values()];
}
