import { lowerAscii } from '../../redis/tokenise.js';
import { atLeast } from '../../redis/versions.js';
import type { Target } from '../target.js';
import { categories, commands } from './commands.js';
import { columns, directives, type Probed } from './directives.js';

const probed: readonly Probed[] = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1'];

/** Commands of a server in sentinel mode from 7.0 on (CMD_SENTINEL); earlier ones do not load their users. */
const inSentinel: ReadonlySet<string> = new Set(
  'acl auth client command hello info ping psubscribe publish punsubscribe quit reset role sentinel shutdown subscribe unsubscribe'.split(
    ' ',
  ),
);

/** Whether rules of 7.0 and later hold: one table of directives, queued sentinel lines, stricter ACLs. */
export function isTable(target: Target): boolean {
  return target.flavour === 'valkey' || atLeast(target.version, '7.0');
}

/** Whether the target is newer than every server that was asked: what it does not know may be new. */
export function isNewer(target: Target): boolean {
  return atLeast(target.version, target.flavour === 'valkey' ? '8.2' : '8.1');
}

/** Whether an unknown directive with arguments is kept for modules and complained of last (Redis 8.0). */
export function keepsUnknown(target: Target): boolean {
  return target.flavour === 'redis' && atLeast(target.version, '8.0');
}

/** The asked servers that the target lies at or between; where they differ, what one of them takes is taken. */
function neighbours(target: Target): readonly Probed[] {
  const before = neighboursBefore.get(target);
  if (before !== undefined) return before;
  const near = nearProbed(target);
  neighboursBefore.set(target, near);
  return near;
}

const neighboursBefore = new WeakMap<Target, readonly Probed[]>();

function nearProbed(target: Target): readonly Probed[] {
  if (target.flavour === 'valkey') return atLeast(target.version, '8.1') ? ['valkey-8.1'] : ['redis-7.0', 'valkey-8.1'];
  if (atLeast(target.version, '8.0')) return ['redis-8.0'];
  if (atLeast(target.version, '7.2')) return ['redis-7.0', 'redis-8.0'];
  if (atLeast(target.version, '7.0')) return ['redis-7.0'];
  return atLeast(target.version, '6.2') ? ['redis-6.0', 'redis-7.0'] : ['redis-6.0'];
}

/** Whether any version at all has the directive. */
export function isDirective(name: string): boolean {
  return Object.hasOwn(directives, name);
}

/** Whether the target has the directive. */
export function hasDirective(name: string, target: Target): boolean {
  const row = isDirective(name) ? directives[name] : undefined;
  return row?.[0].charAt(columnOf(target)) === 'y';
}

/** What the directive takes, by every neighbour that knows it; empty where no server was asked. */
export function valuesOf(name: string, target: Target): readonly string[] {
  const value = isDirective(name) ? directives[name]?.[1] : undefined;
  if (value === undefined || value === 'unseen') return [];
  if (typeof value === 'string') return [value];
  const near = neighbours(target).flatMap((version) => value[version] ?? []);
  const all = near.length > 0 ? near : Object.values(value);
  return [...new Set(all)];
}

/** `Redis 6.0 and later and Valkey` for a directive; what no version has is ''. */
export function versionsWith(name: string): string {
  const row = isDirective(name) ? (directives[name]?.[0] ?? '') : '';
  const spans = (['redis', 'valkey'] as const).flatMap((flavour) => {
    const own = columns.flatMap((column, at) =>
      column.startsWith(flavour) ? [{ column, has: row.charAt(at) === 'y' }] : [],
    );
    const having = own.filter(({ has }) => has).map(({ column }) => column.slice(flavour.length + 1));
    const [first, last] = [having[0], having.at(-1)];
    if (first === undefined) return [];
    const title = flavour === 'redis' ? 'Redis' : 'Valkey';
    if (own.at(-1)?.has === true) return [having.length === own.length ? title : `${title} ${first} and later`];
    return [first === last ? `${title} ${first}` : `${title} ${first} to ${last}`];
  });
  return spans.join(' and ');
}

const listed = new WeakMap<Target, readonly string[]>();

/** All directives that the target has. */
export function directivesOf(target: Target): readonly string[] {
  const before = listed.get(target);
  if (before !== undefined) return before;
  const names = Object.keys(directives).filter((name) => hasDirective(name, target));
  listed.set(target, names);
  return names;
}

/** Whether the target has a command (`config`, `config|get`). */
export function hasCommand(name: string, target: Target, sentinel: boolean): boolean {
  const lower = lowerAscii(name);
  if (sentinel && isTable(target)) return inSentinel.has(lower.split('|')[0] ?? '') && known(commands, lower, target);
  return known(commands, lower, target);
}

/** Whether the target has an ACL category. */
export function hasCategory(name: string, target: Target): boolean {
  const lower = lowerAscii(name);
  return lower === 'all' || known(categories, lower, target);
}

function known(table: Readonly<Record<string, string>>, name: string, target: Target): boolean {
  const row = Object.hasOwn(table, name) ? table[name] : undefined;
  return row !== undefined && neighbours(target).some((version) => row.charAt(probed.indexOf(version)) === 'y');
}

const columnBefore = new WeakMap<Target, number>();

/** The last column of the flavour that is not newer than the target. */
function columnOf(target: Target): number {
  const before = columnBefore.get(target);
  if (before !== undefined) return before;
  const versions = columns.flatMap((column, at) => {
    const [flavour, version = ''] = column.split('-');
    return flavour === target.flavour && atLeast(target.version, version) ? [at] : [];
  });
  const column = versions.at(-1) ?? columns.findIndex((one) => one.startsWith(target.flavour));
  columnBefore.set(target, column);
  return column;
}
