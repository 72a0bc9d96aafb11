/** Assignments of plain words at the beginning of a line, as init scripts make them. */
function variablesOf(script: string): ReadonlyMap<string, string> {
  return new Map(
    [...script.matchAll(/^[ \t]*([A-Za-z_][A-Za-z0-9_]*)=("[^"\n`]*"|'[^'\n]*'|[^\s;"'`]*)/gm)].map(
      ([, name = '', value = '']): [string, string] => [name, value.replace(/^(["'])(.*)\1$/, '$2')],
    ),
  );
}

function expand(word: string, variables: ReadonlyMap<string, string>, depth = 5): string {
  if (depth === 0) return word;
  return word.replace(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (whole, braced?: string, plain?: string) => {
    const value = variables.get(braced ?? plain ?? '');
    return value === undefined ? whole : expand(value, variables, depth - 1);
  });
}

/**
 * The file of settings that an init script reads at its start, such as `/etc/default/redis-server` (Debian) or
 * `/etc/sysconfig/redis` (Red Hat); undefined when it reads none, or is no shell script (OpenRC).
 */
export function settingsFileOf(script: string): string | undefined {
  if (!/^#! *\/(usr\/)?bin\/(ba|da)?sh\b/.test(script)) return undefined;
  const variables = variablesOf(script);
  for (const line of script.split('\n')) {
    const word = /(?:^|[\s;&|])(?:\.|source)[ \t]+(["']?)([^\s"';&|]+)\1/.exec(line.replace(/^\s*#.*/, ''))?.[2];
    const path = word && expand(word, variables);
    if (path && /^\/etc\/(default|sysconfig)\/[A-Za-z0-9._@-]+$/.test(path)) return path;
  }
  return undefined;
}

const BEGIN = '# redis-runbook hold: begin';
const END = '# redis-runbook hold: end';

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

/** The lines that make an init script refuse everything but stop and status while the hold file is there. */
function guardFor(holdFile: string): readonly string[] {
  return [
    `${BEGIN} (remove these lines and ${holdFile.replace(/[^\x20-\x7e]/g, '?')} to release)`,
    `if [ -e ${quoted(holdFile)} ]; then`,
    '  case "$1" in stop|status) ;; *) echo "held by redis-runbook: not started" >&2; exit 1 ;; esac',
    'fi',
    END,
  ];
}

/** The settings with the guard in front; unchanged when it is there. */
export function withGuard(settings: string, holdFile: string): string {
  if (settings.includes(`${guardFor(holdFile).join('\n')}\n`)) return settings;
  return `${guardFor(holdFile).join('\n')}\n${withoutGuard(settings)}`;
}

/** The settings without any guard, otherwise byte for byte as they were. */
export function withoutGuard(settings: string): string {
  const lines = settings.split('\n');
  const kept: string[] = [];
  let inside = false;
  for (const line of lines) {
    if (line.startsWith(BEGIN)) inside = true;
    if (!inside) kept.push(line);
    if (line === END) inside = false;
  }
  return kept.join('\n');
}
