import { mayWrite } from './reading-commands.js';

/** One line of CLIENT LIST (networking.c:catClientInfoString), as far as it says who is there. */
export interface ClientRow {
  readonly id: string;
  /** Without the port. */
  readonly address: string;
  /** Lower case, `NULL` before the first one. */
  readonly command: string;
  /** Commands since it connected; Redis 8 and Valkey 8.1 on. */
  readonly totalCommands?: number;
}

/**
 * The clients of an answer to CLIENT LIST: without replicas and the master (flags S, M), sentinels (they name their
 * connections `sentinel-…`, sentinel.c:sentinelSetClientName), and whoever is asking for this list.
 */
export function clientsIn(list: string): readonly ClientRow[] {
  return list.split('\n').flatMap((line) => {
    const fields = fieldsOf(line);
    const id = fields.get('id');
    const addr = fields.get('addr');
    const command = fields.get('cmd')?.toLowerCase() ?? '';
    if (id === undefined || addr === undefined || isPartOfTheFleet(fields) || asks(command)) return [];
    const total = Number(fields.get('tot-cmds'));
    return [
      { id, address: withoutPort(addr), command, ...(Number.isSafeInteger(total) ? { totalCommands: total } : {}) },
    ];
  });
}

function fieldsOf(line: string): ReadonlyMap<string, string> {
  return new Map(
    line.split(' ').flatMap((word): [string, string][] => {
      const equals = word.indexOf('=');
      return equals < 1 ? [] : [[word.slice(0, equals), word.slice(equals + 1).trim()]];
    }),
  );
}

function isPartOfTheFleet(fields: ReadonlyMap<string, string>): boolean {
  return /[SM]/.test(fields.get('flags') ?? '') || /^sentinel-[0-9a-f]{8}-/.test(fields.get('name') ?? '');
}

/** The list holds the connection that asked for it, with this very command (`client` alone before 7.0). */
function asks(command: string): boolean {
  return command === 'client|list' || command === 'client';
}

function withoutPort(address: string): string {
  const at = address.lastIndexOf(':');
  return at < 1 ? address : address.slice(0, at);
}

/** Whether a client whose last command this is may have changed data: a script's or a transaction's own commands are not told. */
export function mayHaveWritten(command: string): boolean {
  if (command === '' || command === 'null') return false;
  return mayWrite(command) || /^(eval|evalsha|fcall|exec)$/.test(command);
}

/** What sentinels, replicas and this tool send themselves: no word about clients. */
const housekeeping =
  /^(ping|info|role|auth|hello|replconf|psync|sync|publish|subscribe|select|client|config|command|acl)(\||$)/;

/** Calls of commands by their names, of INFO commandstats. */
function callsOf(stats: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  return new Map(
    [...stats].flatMap(([key, value]): [string, number][] => {
      const calls = Number(/\bcalls=(\d+)/.exec(value)?.[1]);
      return key.startsWith('cmdstat_') && Number.isSafeInteger(calls) ? [[key.slice('cmdstat_'.length), calls]] : [];
    }),
  );
}

/** How many commands of clients a master carried out between two readings of INFO commandstats, and how many may write. */
export function commandsBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): { readonly commands: number; readonly writes: number } {
  const first = callsOf(before);
  let commands = 0;
  let writes = 0;
  for (const [name, calls] of callsOf(after)) {
    const more = Math.max(0, calls - (first.get(name) ?? 0));
    if (housekeeping.test(name)) continue;
    commands += more;
    if (mayWrite(name)) writes += more;
  }
  return { commands, writes };
}
