import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { carriedOut, programs } from '../model/programs.js';
import { untruths } from '../model/sound.js';
import { noLosses, surveyOf } from '../model/survey-of.js';

const RUNS = Number(process.env.SOUNDNESS_RUNS ?? 3000);
/** A search for something new takes another seed and more runs: a red run says which. */
const SEED = Number(process.env.SOUNDNESS_SEED ?? 1000);

test('whatever happened to a fleet and whatever of its logs is gone, the verdict says nothing untrue', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const fleet = carriedOut(program);
      const survey = surveyOf(fleet, program.losses);
      expect(untruths(fleet, diagnose(survey, 'g'), survey)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 60_000);

test('the same with every log and vote there', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const fleet = carriedOut(program);
      const survey = surveyOf(fleet, noLosses);
      expect(untruths(fleet, diagnose(survey, 'g'), survey)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 60_000);

test('the same where a replica took writes of its own, and deleted what its master wrote', () => {
  fc.assert(
    fc.property(programs, fc.nat(3), (program, pick) => {
      const fleet = carriedOut(program);
      const replicas = fleet.nodes.filter(({ alive, role }) => alive && role === 'replica');
      const node = replicas[pick % Math.max(1, replicas.length)];
      if (node === undefined) return;
      const [first] = node.writes;
      if (first !== undefined) node.writes.delete(first);
      node.writes.add(1_000_000);
      const survey = surveyOf(fleet, program.losses);
      const group = survey.groups.g;
      if (group === undefined) throw new Error('no group');
      const redis = group.redis.map((each) =>
        each.node === node.name && each.running.ok
          ? { ...each, running: { ...each.running, value: { ...each.running.value, readOnly: false } } }
          : each,
      );
      const writable = { ...survey, groups: { g: { ...group, redis } } };
      expect(untruths(fleet, diagnose(writable, 'g'), writable)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 60_000);
