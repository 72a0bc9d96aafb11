import type { AuditRule } from '../../rule.js';
import { aofOnInFileOnly } from './aof-on-in-file-only.js';
import { aofOffInFileOnly, appendfsyncNo, noAppendfsyncOnRewrite } from './aof-settings.js';
import { configDirNotWritable, redisConfNotWritable } from './config-place.js';
import { minReplicasUnreachable, minReplicasUnset } from './min-replicas.js';
import { redisStartsBeforeSentinel } from './old-master-at-boot.js';
import { replBacklogSmall, replicaBufferSmall, replicaWritable, replTimeoutVsPing } from './replication.js';
import { roleFileVsRunning, startedWithoutConfig } from './role-and-file.js';
import { saveDefaultChangesOnUpgrade, saveOverridden, saveTooFrequent } from './save-lines.js';
import { saveMissing } from './save-missing.js';
import { bgsaveFailing, rdbStale, stopWritesOff } from './saves-now.js';
import { persistenceOffAutoRestart, persistenceOffOnCandidate } from './saving-off.js';
import { sentinelEnabledAtBoot } from './sentinel-at-boot.js';
import { sharedDataDir } from './shared-data-dir.js';

/** Rules about data that will be lost. */
export const dataLossRules: readonly AuditRule[] = [
  aofOnInFileOnly,
  sharedDataDir,
  persistenceOffAutoRestart,
  roleFileVsRunning,
  startedWithoutConfig,
  configDirNotWritable,
  redisConfNotWritable,
  bgsaveFailing,
  minReplicasUnreachable,
  replicaWritable,
  replTimeoutVsPing,
  aofOffInFileOnly,
  appendfsyncNo,
  persistenceOffOnCandidate,
  rdbStale,
  redisStartsBeforeSentinel,
  replBacklogSmall,
  replicaBufferSmall,
  saveDefaultChangesOnUpgrade,
  saveMissing,
  saveOverridden,
  saveTooFrequent,
  stopWritesOff,
  minReplicasUnset,
  sentinelEnabledAtBoot,
  noAppendfsyncOnRewrite,
];
