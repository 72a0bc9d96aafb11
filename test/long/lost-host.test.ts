import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeadFleet, deadFleet } from '../live/dead-fleet.js';
import { lostEarly, lostLate } from '../live/lost-host.js';
import { fleetWithout } from '../live/out-of-reach.js';
import { OwnSshds } from '../live/own-sshd.js';
import { runbook } from '../live/recovery.js';

const own = new OwnSshds();
let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 77);
});
afterAll(async () => {
  dead.remove();
  await own.end();
});

describe('a host that is lost in the middle', () => {
  test(
    'of REWRITE ends the run, which says the way on; without the host it serves again',
    () => dead.withCopy((lab) => lostEarly(lab, own, /^4 REWRITE /m, [8, 9])),
    120_000,
  );

  test(
    'of START, when the master serves, is left out by the same run, which says so and ends with 10',
    () => dead.withCopy((lab) => lostLate(lab, own, /writes are allowed since/)),
    120_000,
  );
});

test(
  'a host that comes back with writes of its own is refused by their number, and set aside only by name and reason',
  () =>
    dead.withCopy(async (lab) => {
      const freshest = dead.lastWriter;
      const dark = fleetWithout(lab, freshest);
      const next = freshest === 'pv3' ? 'pv2' : 'pv3';
      const words = ['recover', '--yes', '--plain', '--without', freshest, '--reason', 'fire'];
      for (const promote of [next, freshest === 'pv1' ? 'pv2' : 'pv1']) {
        const done = await runbook(lab, [...words, '--promote', promote], {}, dark);
        if (done.status === 10) break;
        expect(done.status, done.stdout + done.stderr).toBe(3);
      }
      const refused = await runbook(lab, ['rejoin', freshest, '--yes']);
      expect(refused.status, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stderr).toMatch(/alone\s+holds \d+ bytes/);
      expect(refused.stderr).toMatch(/compared key by key: [1-9]\d* keys only on/);
      const aside = ['rejoin', freshest, '--yes', '--plain', '--set-aside', freshest];
      expect((await runbook(lab, aside)).status).toBe(2);
      const done = await runbook(lab, [...aside, '--reason', 'too late']);
      expect(done.status, done.stdout + done.stderr).toBe(0);
      expect((await runbook(lab, ['status'])).status).toBe(0);
    }),
  120_000,
);
