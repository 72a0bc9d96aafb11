/** A Redis or Valkey version. Suffixes such as `-rc1` are not kept. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Reads `7.0.15`, `6.2`, `v=7.0.15` or `8.0.0-rc1`; missing parts are 0. Throws an Error when the text holds no version. */
export function parseVersion(text: string): Version {
  const match = /^(?:v=?)?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?![\d.])/.exec(text.trim());
  if (match === null) throw new Error(`"${text}" is not a version`);
  return { major: Number(match[1]), minor: Number(match[2] ?? 0), patch: Number(match[3] ?? 0) };
}

/** Whether `version` is `least` (`6.2.3`, `7.0`) or later. */
export function atLeast(version: Version, least: string): boolean {
  return compareVersions(version, parseVersion(least)) >= 0;
}

/** Negative, zero or positive as `a` is before, equal to or after `b`. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

/** `7.0.15` */
export function printVersion(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** Whose server, and which version of it, as `7.0.15`. */
export interface ServerVersion {
  readonly flavour: 'redis' | 'valkey';
  readonly version: string;
}

/** What `redis-server --version` and `valkey-server --version` print; undefined for any other text. */
export function parseServerLine(text: string): ServerVersion | undefined {
  const [, name, version] = /^(Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec(text) ?? [];
  return version === undefined ? undefined : { flavour: name === 'Valkey' ? 'valkey' : 'redis', version };
}

/** `Redis 7.0.15` */
export function serverName({ flavour, version }: ServerVersion): string {
  return `${flavour === 'valkey' ? 'Valkey' : 'Redis'} ${version}`;
}
