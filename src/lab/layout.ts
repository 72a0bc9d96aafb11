import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { NodeKind } from '../model/inventory.js';

export type Persistence = 'rdb' | 'aof' | 'both';

/** One "machine" of a lab: a directory and an address of its own. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  readonly runs: readonly NodeKind[];
  /** Minutes that the host's clock is ahead: shown in its logs and file times. */
  readonly clockMinutes: number;
  /** Options on the command line that starts its redis, after the config file. */
  readonly redisOptions?: readonly string[];
}

export const redisPort = 6379;
export const sentinelPort = 26379;

/** The hosts of a fleet: `pvN` run redis (the first ones a sentinel too), `pvhaN` a sentinel alone. */
export function layoutOf(
  directory: string,
  block: string,
  size: { readonly redis: number; readonly sentinels: number },
  clocks: readonly number[],
): readonly LabHost[] {
  const shared = Math.min(size.redis, size.sentinels);
  const names = Array.from({ length: size.redis }, (_, i) => `pv${i + 1}`);
  const extra = Array.from({ length: size.sentinels - shared }, (_, i) => `pvha${i + 1}`);
  return [...names, ...extra].map((name, i) => ({
    name,
    address: `${block}.${i + 1}`,
    directory: join(directory, name),
    runs: i >= size.redis ? ['sentinel'] : i < shared ? ['redis', 'sentinel'] : ['redis'],
    clockMinutes: clocks[i] ?? 0,
  }));
}

/** Where a host keeps the config of a node. */
export function configOf(host: LabHost, kind: NodeKind): string {
  return join(host.directory, `${kind}.conf`);
}

/** Where the tool that is tried on the lab keeps its holds and locks. */
export function stateOf(host: LabHost): string {
  return join(host.directory, 'state');
}

export function portOf(kind: NodeKind): number {
  return kind === 'redis' ? redisPort : sentinelPort;
}

/** The programs on this machine: `redis-sentinel` may be missing where only the server is installed. */
export interface Programs {
  readonly server: string;
  readonly sentinel?: string;
  /** A server before 6.2, which has no `bind-source-addr` and calls others from the address that it is bound to. */
  readonly old?: true;
}

/** Finds the programs of a family on PATH; throws RunbookError `redis-missing`. */
export function findPrograms(family: 'redis' | 'valkey' = 'redis'): Programs {
  const [server, sentinel] = [`${family}-server`, `${family}-sentinel`];
  if (!onPath(server)) {
    throw new RunbookError('redis-missing', `${server} is not installed on this machine, and a lab is made of it.`, {
      next: [`apt-get install ${server}`],
    });
  }
  return { server, ...(onPath(sentinel) ? { sentinel } : {}), ...(isOld(server) ? { old: true } : {}) };
}

function isOld(server: string): boolean {
  const said = execFileSync(server, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  const [, major = '7', minor = '0'] = / v=(\d+)\.(\d+)/.exec(said) ?? [];
  return Number(major) < 6 || (Number(major) === 6 && Number(minor) < 2);
}

/** The argument list that starts a node as a daemon. */
export function startArgv(programs: Programs, host: LabHost, kind: NodeKind): readonly string[] {
  const config = configOf(host, kind);
  if (kind === 'redis') return [programs.server, config, ...(host.redisOptions ?? [])];
  return programs.sentinel === undefined ? [programs.server, config, '--sentinel'] : [programs.sentinel, config];
}

/**
 * The TZ value that sets a process' local time `minutes` ahead of UTC. POSIX counts west of Greenwich as positive,
 * hence the turned sign.
 */
export function timeZoneOf(minutes: number): string {
  const size = Math.abs(minutes);
  const clock = `${Math.floor(size / 60)}:${String(size % 60).padStart(2, '0')}`;
  return `LAB${minutes > 0 ? '-' : ''}${clock}`;
}

function onPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
