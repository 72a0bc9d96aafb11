import { test } from 'vitest';
import { bootFleet } from './machines.js';
import { roundTrip } from './restored.js';

/** An RDB into nodes that read their append-only files alone: the one that a wrong way would start empty. */
test('bookworm, with append-only files: an RDB goes back under load, and neither a power cut nor a failover loses it', async () => {
  const machines = await bootFleet({ kind: 'bookworm', persistence: 'aof', seed: 51 });
  try {
    await roundTrip(machines, ['rdb']);
  } finally {
    await machines.down();
  }
});
