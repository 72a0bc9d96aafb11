/** A host that a run left out. The other hosts remember it until it was rejoined, so that every operator's look finds it. */
export interface LeftOutHost {
  readonly host: string;
  readonly group: string;
  readonly run: string;
  readonly who: string;
  /** ISO 8601 UTC by the operator's clock, when it was left out. */
  readonly since: string;
  readonly why: string;
  /** The operator's own words, where a flag asked for them. */
  readonly reason?: string;
  /** When it was rejoined, or took part in a recovery again; absent while that is open. */
  readonly doneAt?: string;
}

const schema = 'redis-runbook/left-out/1';
/** What one file may hold; older entries that are done go first. */
const mostEntries = 100;

/** Reads the file of one host. Throws with the reason when it is not one. */
export function parseLeftOut(text: string): readonly LeftOutHost[] {
  const value = jsonIn(text);
  if (!isObject(value) || value.schema !== schema || !Array.isArray(value.hosts))
    throw new Error(`is no ${schema} document`);
  return value.hosts.map(entryOf);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('is no JSON');
  }
}

/** The file's text. */
export function printLeftOut(hosts: readonly LeftOutHost[]): string {
  const open = hosts.filter((one) => one.doneAt === undefined);
  const done = hosts.filter((one) => one.doneAt !== undefined).slice(-mostEntries);
  return `${JSON.stringify({ schema, hosts: [...done, ...open] }, null, 2)}\n`;
}

/** The entries of a file with one more, which takes the place of the same run's entry for the same host. */
export function withLeftOut(hosts: readonly LeftOutHost[], one: LeftOutHost): readonly LeftOutHost[] {
  return [...hosts.filter((other) => !isSame(other, one)), one];
}

/** The entries of a file with all that are open for a host, and those that other files know of it, marked as done. */
export function withRejoined(
  hosts: readonly LeftOutHost[],
  known: readonly LeftOutHost[],
  doneAt: string,
): readonly LeftOutHost[] {
  const done = known.map((one) => ({ ...one, doneAt }));
  const rest = hosts.filter((one) => !done.some((other) => isSame(one, other)));
  return [...rest, ...done];
}

/**
 * What is still open, from the files of all hosts that were looked at: an entry is done as soon as any file says so (a host
 * that was out of reach at the rejoin still has it open). The latest entry of each host and group.
 */
export function openLeftOut(files: readonly (readonly LeftOutHost[])[]): readonly LeftOutHost[] {
  const all = files.flat();
  const open = all.filter((one) => !all.some((other) => other.doneAt !== undefined && isSame(one, other)));
  const latest = new Map<string, LeftOutHost>();
  for (const one of open) {
    const key = `${one.group} ${one.host}`;
    const before = latest.get(key);
    if (!before || before.since < one.since) latest.set(key, one);
  }
  return [...latest.values()];
}

function isSame(a: LeftOutHost, b: LeftOutHost): boolean {
  return a.host === b.host && a.group === b.group && a.run === b.run;
}

function entryOf(value: unknown): LeftOutHost {
  if (!isObject(value)) throw new Error('holds an entry that is no object');
  const field = (name: string): string => {
    const text = value[name];
    if (typeof text !== 'string' || text === '') throw new Error(`holds an entry without ${name}`);
    return text.slice(0, 500);
  };
  const optional = (name: string) => (typeof value[name] === 'string' ? { [name]: field(name) } : {});
  return {
    host: field('host'),
    group: field('group'),
    run: field('run'),
    who: field('who'),
    since: field('since'),
    why: field('why'),
    ...optional('reason'),
    ...optional('doneAt'),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
