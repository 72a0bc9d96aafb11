import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import type { Survey } from '../../src/model/survey.js';
import { assemble, carry, type Deed } from '../model/deeds.js';
import type { Fleet } from '../model/fleet.js';
import { newFleet } from '../model/programs.js';
import { untruths } from '../model/sound.js';
import { type Losses, noLosses, surveyOf } from '../model/survey-of.js';

interface Shape {
  readonly aof: boolean;
  readonly saves: boolean;
}

const rdb: Shape = { aof: false, saves: true };
const aof: Shape = { aof: true, saves: true };

interface Looked {
  readonly fleet: Fleet;
  readonly survey: Survey;
  readonly diagnosis: Diagnosis;
}

/** A sound fleet with pv1 as master and three writes, what was done to it then, and what a look at the rest says. */
function lookAfter(shapes: readonly Shape[], deeds: readonly Deed[], losses: Losses = noLosses): Looked {
  const fleet = newFleet(shapes);
  assemble(fleet);
  for (const deed of [...writes('pv1', 3), ...deeds]) carry(fleet, deed);
  const survey = surveyOf(fleet, losses);
  return { fleet, survey, diagnosis: diagnose(survey, 'g') };
}

function writes(node: string, count: number): readonly Deed[] {
  return Array.from({ length: count }, () => ({ what: 'write', node, bytes: 10 }));
}

function untrue({ fleet, survey, diagnosis }: Looked): readonly string[] {
  return untruths(fleet, diagnosis, survey);
}

const at = (what: 'crash' | 'stop' | 'save' | 'stall' | 'rewrite-aof', node: string): Deed => ({ what, node });
const start = (node: string, as: 'master' | 'replica'): Deed => ({ what: 'start', node, as });
const follow = (node: string, master: string): Deed => ({ what: 'follow', node, master });
const promote = (node: string, elect = true): Deed => ({ what: 'promote', node, elect });

describe('a master that came back with less than it had', () => {
  const cameBack = [at('crash', 'pv1'), start('pv1', 'master'), follow('pv2', 'pv1')];

  test('empty, copied by its replica, its log begins in the life that was lost', () => {
    const looked = lookAfter([rdb, rdb], [...cameBack, at('stop', 'pv1')], { ...noLosses, logs: [0.34, 0] });
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk?.why).toMatch(/^pv1 was master in a life of which its log shows the end alone/);
    expect(looked.diagnosis.headline.join(' ')).toContain(
      'Data may be on no disk: a life of the group before this one',
    );
    expect(looked.diagnosis.consents.map(({ kind }) => kind)).toContain('accept-loss');
  });

  test('the same where its log begins after that life, and the replica alone remembers the history', () => {
    const looked = lookAfter([rdb, rdb], [...cameBack, at('stop', 'pv1'), at('stop', 'pv2')], {
      ...noLosses,
      logs: [0.5, 0],
    });
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk?.why).toMatch(/^pv2 followed pv1 in history .+ pv1 is in another one now/);
  });

  test('from an older file, twice, while its replica was not back yet', () => {
    const again = [at('stop', 'pv1'), start('pv1', 'master'), ...writes('pv1', 8), at('crash', 'pv1')];
    const deeds = [...again, start('pv1', 'master'), at('stop', 'pv1'), at('stop', 'pv2')];
    const looked = lookAfter([rdb, rdb], deeds, { ...noLosses, logs: [0.9, 0] });
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk).toBeDefined();
  });

  test('in a life that no line names, where no sentinel says who was elected', () => {
    const unnamed = [at('stop', 'pv2'), start('pv2', 'master'), ...writes('pv2', 1), at('crash', 'pv2')];
    const deeds = [...writes('pv1', 4), at('crash', 'pv1'), promote('pv2'), ...unnamed, start('pv2', 'replica')];
    const looked = lookAfter([aof, rdb], deeds, { ...noLosses, sentinels: ['gone', 'gone', 'gone'] });
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk).toBeDefined();
  });

  test('an orderly stop and a start from the file that it saved are no loss', () => {
    const deeds = [
      at('stop', 'pv1'),
      start('pv1', 'master'),
      follow('pv2', 'pv1'),
      ...writes('pv1', 2),
      at('stop', 'pv1'),
    ];
    expect(lookAfter([rdb, rdb], deeds).diagnosis.onNoDisk).toBeUndefined();
  });

  test('nor is the history of a master that came back alone, stopped in order and follows another since', () => {
    const alone = [at('stop', 'pv1'), promote('pv2'), start('pv1', 'master'), at('stop', 'pv1')];
    const back = [start('pv1', 'replica'), follow('pv1', 'pv2'), at('stop', 'pv2'), at('stop', 'pv1')];
    const looked = lookAfter([rdb, rdb], [...alone, ...back]);
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk).toBeUndefined();
  });

  test.each([
    ['that one', []],
    ['one before it', [start('pv1', 'master'), at('stop', 'pv1')]],
  ])('nor that of a master that came back and was turned into a replica while it ran, after %s', (_, before) => {
    const turned = [start('pv1', 'master'), follow('pv1', 'pv2'), at('stop', 'pv2'), at('stop', 'pv1')];
    const looked = lookAfter([rdb, rdb], [at('stop', 'pv1'), promote('pv2'), ...before, ...turned]);
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.onNoDisk).toBeUndefined();
  });

  test('the limit: with no line of that life left and nobody to name its history, it looks like a fleet that never had it', () => {
    const ended = [at('stop', 'pv1'), at('stop', 'pv2')];
    const { fleet } = lookAfter([rdb, rdb], [...cameBack, ...ended]);
    const log = fleet.nodes[0]?.log ?? [];
    const second = log.findLastIndex(({ kind }) => kind === 'started') / log.length;
    const survey = surveyOf(fleet, { ...noLosses, logs: [second, 1] });
    const fresh = newFleet([rdb, rdb]);
    assemble(fresh);
    for (const deed of ended) carry(fresh, deed);

    expect(evidenceIn(survey)).toBe(evidenceIn(surveyOf(fresh, { ...noLosses, logs: [0, 1] })));
    expect(fleet.acknowledged.size).toBe(3);
    const diagnosis = diagnose(survey, 'g');
    expect(diagnosis.onNoDisk).toBeUndefined();
    expect(untruths(fleet, diagnosis, survey)).toEqual([]);
    // One line more of that life, and it is said.
    const more = surveyOf(fleet, { ...noLosses, logs: [second - 1 / log.length, 1] });
    expect(diagnose(more, 'g').onNoDisk).toBeDefined();
  });
});

describe('a replica that was promoted without a link since its start', () => {
  const elsewhere = [at('crash', 'pv2'), start('pv1', 'replica'), promote('pv1', false), ...writes('pv1', 2)];
  const waits = [at('stop', 'pv1'), promote('pv2'), ...elsewhere, start('pv2', 'replica'), follow('pv1', 'pv2')];

  test('holds writes that its offset does not tell, while it waits for another master', () => {
    expect(untrue(lookAfter([rdb, aof], [...waits, at('crash', 'pv2')]))).toEqual([]);
  });

  test('the same in the file that it saved, and from which it would start', () => {
    const left = [at('save', 'pv1'), at('crash', 'pv1')];
    expect(untrue(lookAfter([rdb, aof], [...waits, at('crash', 'pv2'), ...left]))).toEqual([]);
  });

  test('its offset counts again from its first link on', () => {
    const deeds = [
      at('stop', 'pv2'),
      start('pv2', 'replica'),
      follow('pv2', 'pv1'),
      ...writes('pv1', 1),
      at('stop', 'pv1'),
    ];
    const looked = lookAfter([rdb, rdb], [...deeds, promote('pv2'), at('stop', 'pv2')]);
    expect(untrue(looked)).toEqual([]);
    expect(looked.diagnosis.candidates.map(({ node, versus }) => [node, Object.values(versus)[0]?.kind])).toEqual([
      ['pv2', 'equal'],
      ['pv1', 'equal'],
    ]);
  });
});

test('a stop that asks a replica how far it is makes no fork of one that was promoted before it', () => {
  const deeds = [
    at('stall', 'pv2'),
    ...writes('pv1', 4),
    promote('pv3', false),
    at('stop', 'pv1'),
    ...writes('pv3', 1),
  ];
  const looked = lookAfter([rdb, rdb, aof], [...deeds, at('crash', 'pv2')]);
  expect(untrue(looked)).toEqual([]);
  expect(looked.diagnosis.candidates.find(({ node }) => node === 'pv3')?.versus.pv1).toEqual({
    kind: 'incomparable',
    why: expect.stringMatching(
      /pv1 went on by 37 bytes, which may be its question how far its replicas were, and no write$/,
    ),
  });
});

/** All that a survey says beside clocks, with each id by the order in which it is met. */
function evidenceIn(survey: Survey): string {
  const ids = new Map<string, number>();
  const passing = ['at', 'ctimeSeconds', 'lastLogLine', 'clockOffsetMs'];
  return JSON.stringify(survey, (key, value) => {
    if (passing.includes(key)) return undefined;
    if (typeof value === 'bigint') return `${value}`;
    if (typeof value !== 'string' || !/^[0-9a-f]{40}$/.test(value)) return value;
    ids.set(value, ids.get(value) ?? ids.size);
    return `id ${ids.get(value)}`;
  });
}
