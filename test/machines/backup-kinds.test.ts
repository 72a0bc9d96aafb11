import { test } from 'vitest';
import { backupRound } from './backup-round.js';

test.each(['bullseye-sysv', 'trixie', 'trixie-valkey'] as const)(
  'backups of %s machines hold what their nodes held, key by key',
  (kind) => backupRound(kind),
);
