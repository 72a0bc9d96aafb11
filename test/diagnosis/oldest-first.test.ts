import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { NodeServer, Survey } from '../../src/model/survey.js';
import { assemble } from '../model/deeds.js';
import { crash, stop } from '../model/events.js';
import { type Fleet, write } from '../model/fleet.js';
import { carriedOut, newFleet, programs } from '../model/programs.js';
import { untruths } from '../model/sound.js';
import { surveyOf } from '../model/survey-of.js';

const redis6: NodeServer = { flavour: 'redis', version: '6.0.16' };
const redis7: NodeServer = { flavour: 'redis', version: '7.0.15' };
const redis8: NodeServer = { flavour: 'redis', version: '8.0.2' };
const valkey8: NodeServer = { flavour: 'valkey', version: '8.1.1' };
const servers = [redis6, redis7, redis8, valkey8];

/** The survey of a fleet whose nodes run these servers; the last one stands for all that follow. */
function withServers(survey: Survey, of: readonly NodeServer[]): Survey {
  const group = survey.groups.g;
  if (group === undefined) throw new Error('no group');
  const redis = group.redis.map((node, index) => {
    const value = of[Math.min(index, of.length - 1)] ?? redis7;
    const from = { host: node.host, node: node.node, source: '--version' };
    return { ...node, server: { ok: true as const, value, from, at: survey.at } };
  });
  return { ...survey, groups: { g: { ...group, redis } } };
}

function threeOf(end: typeof stop): Fleet {
  const fleet = newFleet(Array.from({ length: 3 }, () => ({ aof: false, saves: true })));
  assemble(fleet);
  const [master] = fleet.nodes;
  if (master === undefined) throw new Error('no node');
  write(fleet, master, 10);
  for (const node of fleet.nodes) end(fleet, node);
  return fleet;
}

describe('among nodes that hold the same', () => {
  test('the one of the oldest server wins, and the ranking says why', () => {
    const survey = surveyOf(threeOf(stop));
    const [first = '', second = '', third = ''] = diagnose(survey, 'g').candidates.map(({ node }) => node);
    const names = survey.groups.g?.redis.map(({ node }) => node) ?? [];
    const old = names.indexOf(second);

    const diagnosis = diagnose(
      withServers(
        survey,
        names.map((_, index) => (index === old ? redis7 : redis8)),
      ),
      'g',
    );

    expect(diagnosis.winner).toBe(second);
    expect(diagnosis.findings).toContainEqual(expect.objectContaining({ id: 'mixed-versions', blocks: false }));
    const said = Object.fromEntries(diagnosis.candidates.map((each) => [each.node, each]));
    expect(said[second]?.speaksFor.join()).toContain(
      `holds the same as ${first} and runs the older server (Redis 7.0.15)`,
    );
    expect(said[first]?.speaksAgainst.join()).toContain(`${second} could not copy from it`);
    expect(said[third]?.tooOld).toEqual([expect.objectContaining({ node: second })]);
  });

  test('an older server that would refuse its own file does not', () => {
    const survey = surveyOf(threeOf(stop));
    const [first, second] = diagnose(survey, 'g').candidates.map(({ node }) => node);
    const names = survey.groups.g?.redis.map(({ node }) => node) ?? [];
    const servers = names.map((node) => (node === second ? redis6 : redis7));
    expect(diagnose(withServers(survey, servers), 'g').winner).toBe(first);
  });

  test('a server that is older and reads the same format changes nothing', () => {
    const survey = surveyOf(threeOf(stop));
    const plain = diagnose(survey, 'g').winner;
    for (const version of ['7.0.4', '7.0.15', '7.0.0'])
      expect(diagnose(withServers(survey, [{ flavour: 'redis', version }, redis7]), 'g').winner).toBe(plain);
  });

  test('Valkey 8.1 refuses what Redis 8.0 sends, and Redis 8.0 reads what Valkey 8.1 sends', () => {
    const survey = surveyOf(threeOf(stop));
    const names = survey.groups.g?.redis.map(({ node }) => node) ?? [];
    const diagnosis = diagnose(withServers(survey, [redis8, valkey8, redis8]), 'g');
    expect(diagnosis.winner).toBe(names[1]);
    expect(diagnosis.findings.filter(({ blocks }) => blocks)).toEqual([]);
  });
});

describe('data decides before versions', () => {
  test('a master that crashed is not passed over for an older server that has less', () => {
    const fleet = threeOf(crash);
    const survey = surveyOf(fleet);
    const plain = diagnose(survey, 'g');
    for (const of of [
      [redis7, redis6, redis6],
      [redis8, redis7, redis6],
    ])
      expect(diagnose(withServers(survey, of), 'g').winner).toBe(plain.winner);
  });

  test('whatever happened and whatever the servers are, nothing that is said of the data changes, and the winner holds as much', () => {
    const some = fc.array(fc.constantFrom(...servers), { minLength: 3, maxLength: 5 });
    fc.assert(
      fc.property(programs, some, (program, of) => {
        const fleet = carriedOut(program);
        const survey = surveyOf(fleet, program.losses);
        const plain = diagnose(survey, 'g');
        const mixed = diagnose(withServers(survey, of), 'g');
        expect(untruths(fleet, mixed, survey)).toEqual([]);
        expect(mixed.winner === undefined).toBe(plain.winner === undefined);
        expect(mixed.possibleTails.map(({ node }) => node).sort()).toEqual(
          plain.possibleTails.map(({ node }) => node).sort(),
        );
        if (mixed.winner === plain.winner || plain.winner === undefined) return;
        const top = plain.candidates.find(({ node }) => node === plain.winner);
        expect(top?.versus[mixed.winner ?? '']?.kind).toBe('equal');
      }),
      { numRuns: Number(process.env.SOUNDNESS_RUNS ?? 1500), seed: Number(process.env.SOUNDNESS_SEED ?? 1000) },
    );
  }, 60_000);
});
