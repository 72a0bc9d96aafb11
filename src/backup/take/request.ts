import type { BackupKind, BackupManifest, BackupReason } from '../../model/backup.js';
import type { NodeEntry } from '../../model/inventory.js';
import type { BackupScope } from '../repository/repository.js';

/** What one backup is to be. */
export interface TakeRequest {
  readonly scope: BackupScope;
  readonly kind: BackupKind;
  readonly node: NodeEntry;
  readonly chosenBecause: string;
  readonly reason: BackupReason;
  readonly tags: readonly string[];
  readonly withSecrets: boolean;
  /** At most so many bytes a second from the host; undefined = as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  /** For the snapshot, milliseconds. */
  readonly snapshotLimitMs: number;
  readonly sentinel: BackupManifest['sentinel'];
  /** The saved survey, as text. */
  readonly survey: string;
}
