import type { BackupKeyspace } from '../model/backup.js';

/** The databases in the answer to `INFO keyspace`; those without a key are not in it. */
export function keyspaceOf(info: ReadonlyMap<string, string>): readonly BackupKeyspace[] {
  return [...info].flatMap(([name, value]) => {
    const database = /^db(\d+)$/.exec(name)?.[1];
    const [, keys, expires] = /^keys=(\d+),expires=(\d+)/.exec(value) ?? [];
    if (database === undefined || keys === undefined || expires === undefined) return [];
    return [{ database: Number(database), keys: BigInt(keys), expires: BigInt(expires) }];
  });
}

export interface Compared {
  readonly same: boolean;
  /** One sentence for a person, without a full stop. */
  readonly says: string;
}

/**
 * What a node holds against what was counted in its data before. Keys without a time to live must be the same in each
 * database; of those with one, some may be over by now: a master drops them while it loads an RDB (rdb.c:rdbLoadRio) and
 * soon after (expire.c:activeExpireCycle).
 */
export function comparedWith(counted: readonly BackupKeyspace[], held: readonly BackupKeyspace[]): Compared {
  const all = [...new Set([...counted, ...held].map(({ database }) => database))].sort((a, b) => a - b);
  const none = { keys: 0n, expires: 0n };
  const rows = all.map((database) => ({
    database,
    was: counted.find((row) => row.database === database) ?? none,
    is: held.find((row) => row.database === database) ?? none,
  }));
  const wrong = rows.filter(
    ({ was, is }) => was.keys - was.expires !== is.keys - is.expires || is.expires > was.expires,
  );
  if (wrong.length > 0) return { same: false, says: wrong.map(wordsOf).join('; ') };
  const keys = rows.reduce((sum, { is }) => sum + is.keys, 0n);
  const gone = rows.reduce((sum, { was, is }) => sum + was.keys - is.keys, 0n);
  if (gone === 0n) return { same: true, says: `${keys} keys, as in the backup` };
  return { same: true, says: `${keys} keys; ${gone} of the backup's ${keys + gone} have ended since (time to live)` };
}

interface Row {
  readonly database: number;
  readonly was: Pick<BackupKeyspace, 'keys' | 'expires'>;
  readonly is: Pick<BackupKeyspace, 'keys' | 'expires'>;
}

function wordsOf({ database, was, is }: Row): string {
  const words = ({ keys, expires }: Row['is']) => `${keys} keys (${expires} with a time to live)`;
  return `database ${database} has ${words(is)}, the backup ${words(was)}`;
}
