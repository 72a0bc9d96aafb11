/** Settings by lower-case name, each with its values in order, as `ssh -G` prints them. */
export type ConfigValues = ReadonlyMap<string, readonly string[]>;

/** Reads the output of `ssh -G`: one setting a line, the name in front; a name may stand several times. */
export function parseSettings(text: string): ConfigValues {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

/** The one value of a setting; undefined when it is not set or `none`. */
export function oneOf(values: ConfigValues, name: string): string | undefined {
  const value = values.get(name)?.[0];
  return value === undefined || value.toLowerCase() === 'none' ? undefined : value;
}

/** Words of a value that holds several, double quotes respected. */
export function wordsOf(value: string): readonly string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** What the tokens of ssh_config(5) stand for. */
export interface Tokens {
  readonly home: string;
  readonly localUser: string;
  readonly localHost: string;
  readonly uid: string;
  readonly host: string;
  readonly hostName: string;
  readonly port: string;
  readonly user: string;
  readonly alias: string;
}

/** A path with `~`, `%` tokens and `${NAME}` filled in; undefined when it holds what is not known. */
export function expandPath(
  path: string,
  tokens: Tokens,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    d: tokens.home,
    u: tokens.localUser,
    l: tokens.localHost,
    L: tokens.localHost.split('.')[0] ?? '',
    i: tokens.uid,
    n: tokens.host,
    h: tokens.hostName,
    p: tokens.port,
    r: tokens.user,
    k: tokens.alias,
  };
  let isKnown = true;
  const fill = (value: string | undefined) => {
    if (value === undefined) isKnown = false;
    return value ?? '';
  };
  const filled = path
    .replace(/%(.)/g, (_, letter: string) => fill(values[letter]))
    .replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => fill(environment[name]));
  if (!isKnown) return undefined;
  if (filled === '~' || filled.startsWith('~/')) return `${tokens.home}${filled.slice(1)}`;
  return filled.startsWith('~') ? undefined : filled;
}

/** One hop of a ProxyJump list: `[user@]host[:port]` or `ssh://[user@]host[:port]`. */
export interface JumpName {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** The hops of a ProxyJump value, the first one reached first; undefined when it cannot be understood. */
export function parseJumps(value: string): readonly JumpName[] | undefined {
  const jumps = value.split(',').map(parseJump);
  return jumps.every((jump) => jump !== undefined) ? jumps : undefined;
}

function parseJump(text: string): JumpName | undefined {
  const pattern =
    /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:@[\]]+)|([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*))(?::(\d{1,5}))?\/?$/;
  const [, user, bracketed, plain, ipv6, digits] = pattern.exec(text) ?? [];
  const host = bracketed ?? plain ?? ipv6;
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
