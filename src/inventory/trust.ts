import type { FleetDocument, Mistake } from './document.js';

/** Who may have written the fleet file, as `fstat` of the opened file says. */
export interface FileOwner {
  readonly uid: number;
  readonly mode: number;
}

const executingKeys: ReadonlySet<string> = new Set([
  'command',
  'start',
  'proxy-command',
  'proxy-jump',
  'identity',
  'known-hosts',
  'ca',
  'cert',
  'key',
  'direct',
  'hook',
  'hooks',
  'notify',
  'webhook',
  'endpoint',
  'ping',
]);

/**
 * Keys that run or reach something are refused from a file that somebody else may have written: else `cd project` and
 * one harmless command would run what a stranger put there. `myUid` is undefined where the system has no users.
 */
export function untrustedKeys(document: FleetDocument, owner: FileOwner, myUid: number | undefined): Mistake[] {
  const why = distrust(owner, myUid);
  if (why === undefined) {
    return [];
  }
  return executingPaths(document.data, []).map((path) => ({
    ...document.at(path, 'key'),
    text: `the key "${String(path.at(-1))}" runs or reaches something and is not taken from this file: ${why}`,
  }));
}

function distrust(owner: FileOwner, myUid: number | undefined): string | undefined {
  if (myUid === undefined) {
    return undefined;
  }
  if (owner.uid !== myUid && owner.uid !== 0) {
    return `it belongs to user ${owner.uid}, not to you or root`;
  }
  return (owner.mode & 0o022) === 0 ? undefined : 'others may write it (chmod go-w)';
}

function executingPaths(data: unknown, path: readonly PropertyKey[]): (readonly PropertyKey[])[] {
  if (Array.isArray(data)) {
    return data.flatMap((item, index) => executingPaths(item, [...path, index]));
  }
  if (typeof data !== 'object' || data === null) {
    return [];
  }
  return Object.entries(data).flatMap(([key, value]) => {
    const isName = path.length === 1 && path[0] === 'hosts';
    const here = !isName && executingKeys.has(key) ? [[...path, key]] : [];
    return [...here, ...executingPaths(value, [...path, key])];
  });
}
