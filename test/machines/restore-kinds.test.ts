import { describe, test } from 'vitest';
import type { Persistence } from '../../src/lab/layout.js';
import type { MachineKind } from './kinds.js';
import { bootFleet } from './machines.js';
import { roundTrip } from './restored.js';

interface Case {
  readonly kind: MachineKind;
  readonly persistence: Persistence;
  readonly backups: readonly ('rdb' | 'aof')[];
}

/** A single append-only file (6.0) and one of several parts (7.0 and later); each kind of backup into each. */
const cases: readonly Case[] = [
  { kind: 'bullseye-sysv', persistence: 'aof', backups: ['aof', 'rdb'] },
  { kind: 'trixie', persistence: 'aof', backups: ['aof', 'rdb'] },
  { kind: 'trixie-valkey', persistence: 'aof', backups: ['aof', 'rdb'] },
  { kind: 'trixie-valkey', persistence: 'rdb', backups: ['rdb'] },
  { kind: 'bookworm', persistence: 'both', backups: ['aof'] },
];

describe.each(cases)('$kind, $persistence', (one) => {
  test(`backups of kind ${one.backups.join(' and ')} go back under load`, async () => {
    const machines = await bootFleet({ kind: one.kind, persistence: one.persistence, seed: 52 });
    try {
      await roundTrip(machines, one.backups);
    } finally {
      await machines.down();
    }
  });
});
