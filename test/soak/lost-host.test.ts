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

type Case = readonly [moment: string, when: RegExp, statuses?: readonly number[]];
const all: readonly Case[] = [
  ['at the start of HOLD', /^1 HOLD /m, [4]],
  ['in KEEP', /^2 KEEP /m, [8, 9]],
  ['in STOP', /^3 STOP /m, [8, 9]],
  ['in CHECK', /^5 CHECK /m, [8, 9]],
  ['when its replica has started', /pv1 is linked to/],
  ['in PROVE', /^7 PROVE /m],
];
/** How many of the moments, from one that the seed names; the whole series is all of them. */
const each = Math.min(all.length, Number(process.env.RUNBOOK_SOAK_EACH ?? all.length));
const cases = Array.from({ length: each }, (_, index) => all[(firstSeed + index) % all.length] as Case);

test.each(cases)(
  'a host lost %s: nothing is lost, without it and with it back',
  (_moment, when, statuses) =>
    dead.withCopy((lab) => (statuses ? lostEarly(lab, own, when, statuses) : lostLate(lab, own, when))),
  180_000,
);
