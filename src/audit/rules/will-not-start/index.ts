import type { AuditRule } from '../../rule.js';
import { bindCopiedFromPeer, portConflict } from './addresses.js';
import { includeLoop, includeMissing } from './includes.js';
import {
  sentinelDirectiveNotInVersion,
  sentinelDuplicateKnownEntry,
  sentinelDuplicateMaster,
  sentinelHostnameNeedsResolve,
  sentinelMonitorNotFirst,
  sentinelMyidMalformed,
  sentinelQuorumInvalid,
  sentinelTimeNotPositive,
  sentinelUnknownMasterName,
} from './sentinel.js';
import { sentinelConfigNotWritable } from './sentinel-config-not-writable.js';
import {
  badFileEncoding,
  directiveNotInVersion,
  filenameIsPath,
  inlineComment,
  invalidValue,
  placeholderValue,
  renameCommandUnknown,
  sentinelLineInRedisConf,
  unbalancedQuotes,
  unknownDirective,
  wrongArgumentCount,
} from './syntax.js';
import { systemdDaemonizeMismatch } from './systemd-daemonize-mismatch.js';
import {
  aclFileAndInlineUsers,
  aclRuleInvalid,
  bindAddressNotOnHost,
  listenNowhere,
  replicaofInClusterMode,
  tlsIncomplete,
} from './together.js';

/** Rules about files with which the server refuses to start. */
export const willNotStartRules: readonly AuditRule[] = [
  inlineComment,
  unknownDirective,
  directiveNotInVersion,
  sentinelDirectiveNotInVersion,
  wrongArgumentCount,
  invalidValue,
  unbalancedQuotes,
  badFileEncoding,
  placeholderValue,
  filenameIsPath,
  renameCommandUnknown,
  sentinelLineInRedisConf,
  aclRuleInvalid,
  aclFileAndInlineUsers,
  bindAddressNotOnHost,
  listenNowhere,
  tlsIncomplete,
  replicaofInClusterMode,
  sentinelUnknownMasterName,
  sentinelMonitorNotFirst,
  sentinelDuplicateMaster,
  sentinelHostnameNeedsResolve,
  sentinelQuorumInvalid,
  sentinelTimeNotPositive,
  sentinelDuplicateKnownEntry,
  sentinelMyidMalformed,
  includeMissing,
  includeLoop,
  bindCopiedFromPeer,
  portConflict,
  sentinelConfigNotWritable,
  systemdDaemonizeMismatch,
];
