import { randomBytes } from 'node:crypto';
import { RunbookError } from '../../errors.js';
import { type BackupKind, backupKinds } from '../../model/backup.js';
import { nameSchema } from '../manifest-schema.js';
import type { BackupRef, BackupScope } from './repository.js';

/** Names in the repository's root that are its own and so cannot be a fleet's. */
export const ownNames: readonly string[] = ['locks', 'trash', 'repo.json'];

const PARTIAL = '.partial';
const NAME = /^(\d{8}T\d{6}Z)-([a-z]+)-([0-9A-HJKMNP-TV-Z]{4})$/;
/** Crockford's base32: no I, L, O, U, so that nothing is misheard or misread. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Whether a name read from a disk can be a fleet's or a group's. */
export function isScopeName(name: string): boolean {
  return nameSchema.safeParse(name).success && !name.endsWith(PARTIAL);
}

/** Throws RunbookError `usage` when a fleet or group has a name that the repository keeps for itself. */
export function checkScope({ fleet, group }: BackupScope): void {
  if (ownNames.includes(fleet.toLowerCase()) || !isScopeName(fleet) || !isScopeName(group)) {
    throw new RunbookError('usage', `A repository cannot keep backups of ${JSON.stringify(`${fleet} / ${group}`)}.`, {
      facts: [`the names ${ownNames.join(', ')} are its own; others are as fleet.yaml allows them`],
      next: ['rename the fleet: name: in fleet.yaml'],
    });
  }
}

/** Four random letters, as a run's id. */
export function newBackupId(): string {
  return [...randomBytes(4)].map((byte) => LETTERS[byte % 32]).join('');
}

/** `20261123T031407Z` of a time. */
export function compactTime(at: Date): string {
  return at.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
}

/** ISO 8601 of a compact time; undefined when it is none. */
export function isoTime(compact: string): string | undefined {
  const iso = compact.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return Number.isNaN(Date.parse(iso)) ? undefined : iso;
}

/** The final name of a backup's directory. */
export function backupName(begun: Date, kind: BackupKind, id: string): string {
  return `${compactTime(begun)}-${kind}-${id}`;
}

/** A directory's name -> the backup, its state by the name alone; undefined when it is no backup's. */
export function parseBackupName(scope: BackupScope, directory: string): BackupRef | undefined {
  const isPartial = directory.endsWith(PARTIAL);
  const name = isPartial ? directory.slice(0, -PARTIAL.length) : directory;
  const [, time = '', word, id] = NAME.exec(name) ?? [];
  const kind = backupKinds.find((each) => each === word);
  const begunAt = isoTime(time);
  if (kind === undefined || id === undefined || begunAt === undefined) return undefined;
  return { fleet: scope.fleet, group: scope.group, name, id, kind, begunAt, state: isPartial ? 'partial' : 'complete' };
}

/** The name of a backup's directory as it stands on the disk while it is made. */
export function partialName(name: string): string {
  return `${name}${PARTIAL}`;
}
