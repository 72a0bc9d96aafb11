import type { AuditRule } from '../../rule.js';
import { aofOnInFileOnly } from './aof-on-in-file-only.js';
import { saveMissing } from './save-missing.js';
import { sharedDataDir } from './shared-data-dir.js';

/** Rules about data that will be lost. */
export const dataLossRules: readonly AuditRule[] = [aofOnInFileOnly, saveMissing, sharedDataDir];
