import { execFile } from 'node:child_process';
import { loadsRdb, newestRdbVersion } from '../redis/rdb-versions.js';
import { atLeast, parseServerLine, parseVersion, serverName, type Version } from '../redis/versions.js';

/** A server program of this machine that can load the files, or why there is none, for a person. */
export type LocalServer = { readonly ok: true; readonly server: string } | { readonly ok: false; readonly why: string };

const LIMIT_MS = 5000;

/**
 * The first of these programs on this machine that loads RDB data of `rdbVersion` (undefined: any does). The machine of the
 * operator may have an older server than the fleet, or none.
 */
export async function localServer(programs: readonly string[], rdbVersion: number | undefined): Promise<LocalServer> {
  const tooOld: string[] = [];
  for (const server of new Set(programs)) {
    const line = await versionLine(server);
    if (line === undefined) continue;
    if (rdbVersion === undefined) return { ok: true, server };
    const told = parseServerLine(line);
    if (told === undefined) continue;
    const version = parseVersion(told.version);
    if (loadsRdb(told.flavour, version, rdbVersion)) return { ok: true, server };
    const newest = newestRdbVersion(told.flavour, version);
    const reads = `${serverName(told)} of this machine reads RDB data up to version ${newest}`;
    tooOld.push(`${reads}, and this is ${rdbVersion}`);
  }
  return { ok: false, why: tooOld[0] ?? `this machine has no ${programs.join(' or ')}` };
}

/** A server program of this machine and its version. */
export type ServerHere =
  | { readonly ok: true; readonly server: string; readonly version: Version }
  | { readonly ok: false; readonly why: string };

/** The server of this machine that is of the same flavour and of the same series (7.0) as `version`. */
export async function serverOfSeries(flavour: 'redis' | 'valkey', version: Version): Promise<ServerHere> {
  const wanted = `${flavour === 'redis' ? 'Redis' : 'Valkey'} ${version.major}.${version.minor}`;
  const others: string[] = [];
  for (const server of [`${flavour}-server`, 'redis-server', 'valkey-server']) {
    const [, name = '', text = ''] =
      /^(Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec((await versionLine(server)) ?? '') ?? [];
    if (name === '') continue;
    const found = parseVersion(text);
    if (`${name} ${found.major}.${found.minor}` === wanted) return { ok: true, server, version: found };
    others.push(`${name} ${text}`);
  }
  const has = others.length === 0 ? 'no server' : [...new Set(others)].join(', ');
  return { ok: false, why: `this machine has ${has}, and ${wanted} is needed` };
}

/** Whether the server program of this machine is of version `least` or later; false when it cannot be run. */
export async function isServerAtLeast(server: string, least: string): Promise<boolean> {
  const told = parseServerLine((await versionLine(server)) ?? '');
  return told !== undefined && atLeast(parseVersion(told.version), least);
}

/** What `--version` says; undefined when the program cannot be run. */
function versionLine(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, ['--version'], { timeout: LIMIT_MS }, (error, stdout) => resolve(error ? undefined : stdout));
  });
}
