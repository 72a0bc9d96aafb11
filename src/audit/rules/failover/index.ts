import type { AuditRule } from '../../rule.js';
import { dataDirectiveInSentinelConf, sentinelNumberSuffix, sentinelSameAddressTwice } from './accepted-lines.js';
import { masteruserAclInsufficient, sentinelAuthUserInsufficient } from './acl-users.js';
import {
  allReplicasPriorityZero,
  noReplica,
  parallelSyncsAll,
  replicaAnnouncedNo,
  replicaPriorityUneven,
} from './candidates.js';
import { clockSkew, replicaLinkDown, sentinelCkquorum, sentinelFirewall, sentinelTilt } from './live.js';
import { multipleMasters, noMaster } from './masters.js';
import { natWithoutAnnounce } from './nat.js';
import {
  masterauthMismatch,
  masterauthMissingOnMaster,
  masterauthMissingOnReplica,
  requirepassDiffers,
} from './passwords.js';
import {
  announceHostnameWithoutResolve,
  protectedModeBlocksPeers,
  redisBindLoopback,
  sentinelBindLoopback,
  sentinelProtectedMode,
} from './reach.js';
import { renamedCommandBreaksSentinel } from './renamed-commands.js';
import { replicaofHostname, replicaofSelfOrLoop, replicaofTargetMismatch, replicationChain } from './replicaof.js';
import { sentinelDuplicateMyid } from './sentinel-duplicate-myid.js';
import { sentinelKnowsItself, sentinelMutualKnowledge, sentinelStaleKnownEntries } from './sentinel-known.js';
import { sentinelMonitorsLoopback, sentinelMonitorsWildcard, sentinelNoMonitor } from './sentinel-monitors.js';
import { sentinelAuthPassMismatch, sentinelAuthPassMissing, sentinelPeerAuthMismatch } from './sentinel-passwords.js';
import {
  sentinelCountEven,
  sentinelCountLow,
  sentinelMajorityOnOneHost,
  sentinelTwoHostLoss,
} from './sentinel-places.js';
import { sentinelQuorumAboveCount, sentinelQuorumBelowMajority, sentinelQuorumIsAll } from './sentinel-quorum.js';
import {
  downAfterTooHigh,
  downAfterTooLow,
  failoverTimeoutTooHigh,
  failoverTimeoutTooLow,
  parallelSyncsZero,
} from './sentinel-timing.js';
import { sentinelMonitorsNonMaster, sentinelViewsDisagree } from './sentinel-views.js';
import { clusterModeMismatch, versionMismatch } from './versions.js';

/** Rules about failovers that will not happen, or will happen wrongly. */
export const failoverRules: readonly AuditRule[] = [
  allReplicasPriorityZero,
  announceHostnameWithoutResolve,
  clusterModeMismatch,
  masterauthMismatch,
  masterauthMissingOnMaster,
  masterauthMissingOnReplica,
  masteruserAclInsufficient,
  multipleMasters,
  natWithoutAnnounce,
  noMaster,
  noReplica,
  parallelSyncsZero,
  protectedModeBlocksPeers,
  redisBindLoopback,
  renamedCommandBreaksSentinel,
  replicaLinkDown,
  replicaofSelfOrLoop,
  replicaofTargetMismatch,
  requirepassDiffers,
  sentinelAuthPassMismatch,
  sentinelAuthPassMissing,
  sentinelAuthUserInsufficient,
  sentinelBindLoopback,
  sentinelCkquorum,
  sentinelCountLow,
  sentinelDuplicateMyid,
  sentinelFirewall,
  sentinelMajorityOnOneHost,
  sentinelMonitorsLoopback,
  sentinelMonitorsNonMaster,
  sentinelMonitorsWildcard,
  sentinelNoMonitor,
  sentinelPeerAuthMismatch,
  sentinelProtectedMode,
  sentinelQuorumAboveCount,
  sentinelViewsDisagree,
  versionMismatch,
  clockSkew,
  downAfterTooLow,
  failoverTimeoutTooLow,
  parallelSyncsAll,
  replicaAnnouncedNo,
  sentinelKnowsItself,
  sentinelMutualKnowledge,
  sentinelQuorumBelowMajority,
  sentinelQuorumIsAll,
  sentinelStaleKnownEntries,
  sentinelTilt,
  downAfterTooHigh,
  failoverTimeoutTooHigh,
  replicaPriorityUneven,
  replicaofHostname,
  replicationChain,
  sentinelCountEven,
  sentinelTwoHostLoss,
  dataDirectiveInSentinelConf,
  sentinelNumberSuffix,
  sentinelSameAddressTwice,
];
