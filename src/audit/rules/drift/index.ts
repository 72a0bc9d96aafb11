import type { AuditRule } from '../../rule.js';
import { cliOverrides } from './cli-overrides.js';
import { deprecatedName } from './deprecated-name.js';
import { duplicateDirective } from './duplicate-directive.js';
import { fileNotTheRunningFile } from './file-not-the-running-file.js';
import { fileVsRunning } from './file-vs-running.js';
import { includeOverrides } from './include-overrides.js';
import { runningVsPeers } from './running-vs-peers.js';
import { sentinelGeneratedEdited } from './sentinel-generated-edited.js';

/** Rules about files, processes and nodes that say different things. */
export const driftRules: readonly AuditRule[] = [
  fileNotTheRunningFile,
  fileVsRunning,
  runningVsPeers,
  duplicateDirective,
  sentinelGeneratedEdited,
  includeOverrides,
  deprecatedName,
  cliOverrides,
];
