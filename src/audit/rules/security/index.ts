import type { AuditRule } from '../../rule.js';
import {
  dangerousCommandsOpen,
  debugCommandEnabled,
  denyScriptsReconfigOff,
  renameCommandDiffers,
  renameCommandInsteadOfAcl,
} from './commands.js';
import { bindWildcard, protectedModeOff, sentinelNoAuth, tlsOff } from './doors.js';
import { configWorldReadable, passwordQuoting, runsAsRoot, versionEol } from './host.js';
import { noPasswordExposed } from './no-password-exposed.js';
import { defaultUserNopass, userLineInGeneratedPart } from './users.js';
import { weakPassword } from './weak-password.js';

/** Rules about who is let in. */
export const securityRules: readonly AuditRule[] = [
  noPasswordExposed,
  weakPassword,
  defaultUserNopass,
  denyScriptsReconfigOff,
  renameCommandDiffers,
  runsAsRoot,
  sentinelNoAuth,
  bindWildcard,
  protectedModeOff,
  passwordQuoting,
  configWorldReadable,
  debugCommandEnabled,
  versionEol,
  userLineInGeneratedPart,
  dangerousCommandsOpen,
  renameCommandInsteadOfAcl,
  tlsOff,
];
