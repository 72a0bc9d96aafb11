import type { BackupFile, BackupFileRole, BackupKind } from '../model/backup.js';

/**
 * One part of a path: nothing that a shell, a terminal or a file system reads in another way. Names of AOF parts are
 * Redis' own (aof.c: `BASENAME.SEQ.base.rdb`) and fit as long as `appendfilename` does.
 */
const part = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const folders: readonly string[] = ['data', 'config', 'seen'];
const mostParts = 4;
const packed = '(?:\\.zst|\\.gz)?';

const byRole: Readonly<Record<BackupFileRole, RegExp>> = {
  rdb: new RegExp(`^data/dump\\.rdb${packed}$`),
  aof: new RegExp(`^data/appendonly\\.aof${packed}$`),
  'aof-base': /^data\/appendonlydir\/[^/]+$/,
  'aof-incr': /^data\/appendonlydir\/[^/]+$/,
  'aof-manifest': /^data\/appendonlydir\/[^/]+$/,
  config: /^config\/.+$/,
  seen: /^seen\/.+$/,
};

/** Why a path may not name a stored file, in words; undefined when it may. Never touches a disk. */
export function pathTrouble(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'it is an absolute path';
  const parts = path.split('/');
  if (parts.includes('..') || parts.includes('.')) return 'it leads out of its directory (. or ..)';
  if (parts.length < 2 || parts.length > mostParts) return `expected 2 to ${mostParts} parts, as in data/dump.rdb`;
  if (!folders.includes(parts[0] ?? '')) return `expected it below one of ${folders.join(', ')}`;
  const odd = parts.find((each) => !part.test(each) || each.endsWith('.'));
  return odd === undefined ? undefined : 'a part of it has other characters than letters, digits and . _ -';
}

/** One thing that is wrong with the paths of a manifest. */
export interface PathTrouble {
  readonly what: 'path' | 'duplicate-path' | 'case-collision';
  readonly path: string;
  readonly text: string;
}

/** Everything that is wrong with the paths of a manifest's files: outside the grammar, not where its role belongs, twice, twice but for case, a file where another needs a directory. */
export function troubleWithPaths(files: readonly Pick<BackupFile, 'path' | 'role'>[]): readonly PathTrouble[] {
  const alone = files.flatMap(({ path, role }): PathTrouble[] => {
    const text =
      pathTrouble(path) ?? (byRole[role].test(path) ? undefined : `it is not where a file of the role ${role} stands`);
    return text === undefined ? [] : [{ what: 'path', path, text }];
  });
  return [...alone, ...collisions(files.map(({ path }) => path))];
}

function collisions(paths: readonly string[]): readonly PathTrouble[] {
  const seen = new Map<string, string>();
  const found: PathTrouble[] = [];
  for (const path of paths) {
    const other = seen.get(path.toLowerCase());
    if (other === path) found.push({ what: 'duplicate-path', path, text: 'it is named twice' });
    else if (other !== undefined)
      found.push({ what: 'case-collision', path, text: `it differs from ${other} only in case` });
    seen.set(path.toLowerCase(), path);
  }
  const inside = paths.filter((path) => paths.some((each) => each.toLowerCase().startsWith(`${path.toLowerCase()}/`)));
  return [
    ...found,
    ...inside.map((path) => ({ what: 'case-collision' as const, path, text: 'another file needs it as a directory' })),
  ];
}

/** What a backup of this kind lacks, in words; undefined when its files can make a dataset. */
export function kindTrouble(kind: BackupKind, files: readonly Pick<BackupFile, 'role'>[]): string | undefined {
  const of = (role: BackupFileRole) => files.filter((file) => file.role === role).length;
  if (kind === 'rdb') {
    const more = of('aof') + of('aof-base') + of('aof-incr') + of('aof-manifest');
    return of('rdb') === 1 && more === 0 ? undefined : 'a backup of kind rdb holds exactly one RDB and no AOF';
  }
  const parts = of('aof-base') + of('aof-incr');
  const single = of('aof') === 1 && of('aof-manifest') === 0 && parts === 0;
  const several = of('aof') === 0 && of('aof-manifest') === 1 && parts > 0;
  return single || several ? undefined : 'a backup of kind aof holds one AOF, or one manifest and its parts';
}
