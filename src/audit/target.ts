import { atLeast, parseVersion, printVersion, type Version } from '../redis/versions.js';

/** The program that will read the files: `--target redis-7.2`, or what runs. */
export interface Target {
  readonly flavour: 'redis' | 'valkey';
  /** Version of the program itself, e.g. 8.1.0 of Valkey. */
  readonly version: Version;
  /** The Redis version whose rules hold: the version itself, and 7.2.4 (where Valkey was forked) for every Valkey. */
  readonly compatible: Version;
}

/** A range of versions by flavour; a flavour that is left out has none. `from` inclusive, `before` exclusive; left out = open. */
export interface VersionRange {
  readonly redis?: { readonly from?: string; readonly before?: string };
  readonly valkey?: { readonly from?: string; readonly before?: string };
}

const forkedFrom: Version = { major: 7, minor: 2, patch: 4 };

/** A target of this flavour and version. */
export function targetOf(flavour: Target['flavour'], version: Version): Target {
  return { flavour, version, compatible: flavour === 'valkey' ? forkedFrom : version };
}

/**
 * Reads `redis-7.2`, `redis-6.0.16`, `valkey-8.1` and a bare `7.2` (redis); undefined for anything else. A patch that is
 * left out is the first one of its line.
 */
export function parseTarget(text: string): Target | undefined {
  const match = /^(?:(redis|valkey)-)?(\d{1,3}(?:\.\d{1,3}){0,2})$/.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  return targetOf(match[1] === 'valkey' ? 'valkey' : 'redis', parseVersion(match[2] ?? ''));
}

/** `redis-7.2.0`, in the form that `parseTarget` reads. */
export function printTarget(target: Target): string {
  return `${target.flavour}-${printVersion(target.version)}`;
}

/** Whether the target lies in the range. */
export function inRange(target: Target, range: VersionRange): boolean {
  const limits = range[target.flavour];
  if (limits === undefined) return false;
  if (limits.from !== undefined && !atLeast(target.version, limits.from)) return false;
  return limits.before === undefined || !atLeast(target.version, limits.before);
}
