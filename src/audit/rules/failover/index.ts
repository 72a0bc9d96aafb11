import type { AuditRule } from '../../rule.js';
import { dataDirectiveInSentinelConf, sentinelNumberSuffix, sentinelSameAddressTwice } from './accepted-lines.js';
import { masterauthMissingOnMaster, requirepassDiffers, sentinelAuthPassMismatch } from './passwords.js';
import { sentinelDuplicateMyid } from './sentinel-duplicate-myid.js';
import { sentinelMonitorsLoopback } from './sentinel-monitors-loopback.js';
import { sentinelQuorumAboveCount } from './sentinel-quorum-above-count.js';

/** Rules about failovers that will not happen, or will happen wrongly. */
export const failoverRules: readonly AuditRule[] = [
  masterauthMissingOnMaster,
  requirepassDiffers,
  sentinelAuthPassMismatch,
  sentinelDuplicateMyid,
  sentinelMonitorsLoopback,
  sentinelQuorumAboveCount,
  dataDirectiveInSentinelConf,
  sentinelNumberSuffix,
  sentinelSameAddressTwice,
];
