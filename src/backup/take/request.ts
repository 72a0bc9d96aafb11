import type { Packing } from '../../hosts/host.js';
import type { BackupKind, BackupManifest, BackupReason, BackupSource } from '../../model/backup.js';
import type { NodeEntry } from '../../model/inventory.js';
import type { SnapshotWay } from '../choose.js';
import type { BackupScope } from '../repository/repository.js';

/** Whether files are compressed on their host: when it pays, always with this program, or never. */
export type Compress = 'auto' | Packing | 'none';

/** What one backup is to be. */
export interface TakeRequest {
  readonly scope: BackupScope;
  readonly kind: BackupKind;
  /** How a snapshot leaves the node. */
  readonly way: SnapshotWay;
  readonly node: NodeEntry;
  /** The node's, when it was chosen. */
  readonly role: BackupSource['role'];
  readonly chosenBecause: string;
  readonly reason: BackupReason;
  readonly tags: readonly string[];
  readonly withSecrets: boolean;
  /** At most so many bytes a second from the host; undefined = as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  /** Whether files are compressed on their host, and stay so. */
  readonly compress: Compress;
  /** For the snapshot, milliseconds. */
  readonly snapshotLimitMs: number;
  readonly sentinel: BackupManifest['sentinel'];
  /** The saved survey, as text. */
  readonly survey: string;
}
