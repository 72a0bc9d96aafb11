import { test } from 'vitest';
import { backupRound } from './backup-round.js';

test('backups of systemd machines with Redis 7.0 hold what their nodes held, key by key', () =>
  backupRound('bookworm'));
