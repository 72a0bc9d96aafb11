import { afterAll, beforeAll, test } from 'vitest';
import { type DeadFleet, deadFleet } from '../live/dead-fleet.js';
import { lostEarly, lostLate } from '../live/lost-host.js';
import { OwnSshds } from '../live/own-sshd.js';

const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '100');
const own = new OwnSshds();
let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', firstSeed);
});
afterAll(async () => {
  dead.remove();
  await own.end();
});

interface Case {
  readonly moment: string;
  readonly when: RegExp;
  /** How the run may end where nothing serves yet; left out where it goes on without the host. */
  readonly statuses?: readonly number[];
}

const all: readonly Case[] = [
  { moment: 'at the start of HOLD', when: /^1 HOLD /m, statuses: [4] },
  { moment: 'in KEEP', when: /^2 KEEP /m, statuses: [8, 9] },
  { moment: 'in STOP', when: /^3 STOP /m, statuses: [8, 9] },
  { moment: 'in CHECK', when: /^5 CHECK /m, statuses: [8, 9] },
  { moment: 'when its replica has started', when: /pv1 is linked to/ },
  { moment: 'in PROVE', when: /^7 PROVE /m },
];
/** How many of the moments, from one that the seed names; the whole series is all of them. */
const each = Math.min(all.length, Number(process.env.RUNBOOK_SOAK_EACH ?? all.length));
const cases = Array.from({ length: each }, (_, index) => all[(firstSeed + index) % all.length]).filter(
  (one) => one !== undefined,
);

test.each(cases)(
  'a host lost $moment: nothing is lost, without it and with it back',
  ({ when, statuses }) =>
    dead.withCopy((lab) => (statuses ? lostEarly(lab, own, when, statuses) : lostLate(lab, own, when))),
  180_000,
);
