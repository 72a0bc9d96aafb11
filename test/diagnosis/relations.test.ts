import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { Relation } from '../../src/model/diagnosis.js';
import type { AofComparison } from '../../src/model/survey.js';
import { assemble } from '../model/deeds.js';
import { crash, promote, save, stall, start, stop } from '../model/events.js';
import { cutLink, type Fleet, follow, type Node, rewriteAof, say, write } from '../model/fleet.js';
import { newFleet } from '../model/programs.js';
import { surveyOf } from '../model/survey-of.js';

function fleetOf(aof: boolean, count = 3): { fleet: Fleet; nodes: [Node, Node, Node] } {
  const fleet = newFleet(Array.from({ length: count }, () => ({ aof, saves: true })));
  assemble(fleet);
  const [a, b, c = a] = fleet.nodes;
  if (!a || !b || !c) throw new Error('too few nodes');
  write(fleet, a, 10);
  return { fleet, nodes: [a, b, c] };
}

function allOff(fleet: Fleet, how: typeof crash): void {
  for (const node of fleet.nodes) how(fleet, node);
}

function relation(
  fleet: Fleet,
  own: Node,
  other: Node,
  comparisons: readonly AofComparison[] = [],
): Relation | undefined {
  const diagnosis = diagnose(surveyOf(fleet), 'g', comparisons);
  return diagnosis.candidates.find((candidate) => candidate.node === own.name)?.versus[other.name];
}

describe('an RDB file says what it holds, not what the memory held', () => {
  test('a crashed master whose last save is old is behind the replica that saved later', () => {
    const { fleet, nodes } = fleetOf(false);
    const [a, b] = nodes;
    save(fleet, a);
    write(fleet, a, 10);
    save(fleet, b);
    allOff(fleet, crash);
    expect(relation(fleet, b, a)).toMatchObject({ kind: 'contains', lagBytes: 10n });
  });

  test('a crashed master that was booted alone, took writes and stopped in order: its bytes up to the old offset are its own', () => {
    const { fleet, nodes } = fleetOf(false, 2);
    const [a, b] = nodes;
    save(fleet, a);
    for (let each = 0; each < 3; each++) write(fleet, a, 10);
    save(fleet, b);
    allOff(fleet, crash);
    start(fleet, a, 'master');
    for (let each = 0; each < 3; each++) write(fleet, a, 10);
    stop(fleet, a);
    expect(a.file?.offset).toBe(b.file?.offset);
    expect(relation(fleet, a, b)?.kind).toBe('incomparable');
    expect(relation(fleet, b, a)?.kind).toBe('incomparable');
  });

  test('booted once more after an orderly stop and untouched: still the same data', () => {
    const { fleet, nodes } = fleetOf(false, 2);
    const [a, b] = nodes;
    allOff(fleet, stop);
    start(fleet, a, 'master');
    stop(fleet, a);
    expect(relation(fleet, a, b)?.kind).toBe('equal');
    start(fleet, a, 'master');
    write(fleet, a, 10);
    stop(fleet, a);
    expect(relation(fleet, a, b)?.kind).toBe('contains');
    expect(relation(fleet, b, a)?.kind).not.toBe('contains');
  });
});

describe('an AOF holds what was written into it', () => {
  test('a full copy is in the AOF only after the rewrite', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b, c] = nodes;
    cutLink(fleet, b);
    promote(fleet, b, false);
    write(fleet, b, 10);
    follow(fleet, b, a);
    allOff(fleet, crash);
    expect(relation(fleet, a, b)?.kind).not.toBe('contains');
    expect(relation(fleet, a, c)?.kind).toBe('contains');
  });

  test('after the rewrite the copy counts', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b] = nodes;
    cutLink(fleet, b);
    promote(fleet, b, false);
    write(fleet, b, 10);
    follow(fleet, b, a);
    rewriteAof(fleet, b);
    allOff(fleet, crash);
    expect(relation(fleet, a, b)?.kind).toBe('contains');
  });

  test('a replica that was booted alone may hold writes that its master never had', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b] = nodes;
    crash(fleet, b);
    start(fleet, b, 'master');
    write(fleet, b, 10);
    crash(fleet, b);
    allOff(fleet, crash);
    expect(relation(fleet, a, b)?.kind).toBe('possible-tail');
  });
});

describe('a crashed former master', () => {
  function successor(): { fleet: Fleet; a: Node; b: Node } {
    const { fleet, nodes } = fleetOf(true);
    const [a, b] = nodes;
    crash(fleet, a);
    promote(fleet, b);
    write(fleet, b, 10);
    allOff(fleet, crash);
    return { fleet, a, b };
  }
  const compared = (of: Node, within: Node, value: 'contained' | 'not-contained'): AofComparison => ({
    of: of.name,
    within: within.name,
    result: { ok: true, value, from: { host: 'pv1', source: 'aof' }, at: '' },
    comparedBytes: 4096,
  });

  test('has a possible tail that its AOF can settle, and the question is asked', () => {
    const { fleet, a, b } = successor();
    expect(relation(fleet, b, a)).toMatchObject({ kind: 'possible-tail', cut: 10n, boundSeconds: expect.any(Number) });
    expect(diagnose(surveyOf(fleet), 'g').questions).toContainEqual({
      kind: 'aof-contained',
      of: a.name,
      within: b.name,
    });
  });

  test('is contained when its last bytes stand in the successor', () => {
    const { fleet, a, b } = successor();
    expect(relation(fleet, b, a, [compared(a, b, 'contained')])?.kind).toBe('contains');
  });

  test('is a fork when they do not: nobody wins, and its data is given up only by name', () => {
    const { fleet, a, b } = successor();
    const diagnosis = diagnose(surveyOf(fleet), 'g', [compared(a, b, 'not-contained')]);
    expect(diagnosis.candidates.find((each) => each.node === b.name)?.versus[a.name]?.kind).toBe('forked');
    expect(diagnosis.winner).toBeUndefined();
    expect(diagnosis.consents).toMatchObject([{ kind: 'set-aside', node: a.name }]);
    // Its end was recorded by nobody: no number of bytes is told.
    expect(diagnosis.consents[0]).not.toHaveProperty('ownBytes');
  });
});

test('two nodes promoted from one parent, each with writes, are a fork with the bytes of each', () => {
  const { fleet, nodes } = fleetOf(false);
  const [a, b, c] = nodes;
  crash(fleet, a);
  promote(fleet, b);
  promote(fleet, c, false);
  for (let each = 0; each < 2; each++) write(fleet, b, 10);
  write(fleet, c, 10);
  allOff(fleet, stop);
  expect(relation(fleet, b, c)).toMatchObject({ kind: 'forked', cut: 10n, ownBytes: 20n, otherBytes: 10n });
  expect(diagnose(surveyOf(fleet), 'g').winner).toBeUndefined();
});

test('the second id of a running replica is how far it was, not where the histories part', () => {
  const { fleet, nodes } = fleetOf(false);
  const [a, b, c] = nodes;
  stall(c);
  write(fleet, a, 10);
  save(fleet, a);
  crash(fleet, a);
  promote(fleet, b);
  follow(fleet, c, b);
  write(fleet, b, 10);
  const survey = surveyOf(fleet, { logs: [1, 1, 1], sentinels: [] });
  const hidden = {
    ...survey,
    groups: {
      g: { group: 'g', sentinels: [], redis: survey.groups.g?.redis.filter((node) => node.node !== b.name) ?? [] },
    },
  };
  const seen = diagnose(hidden, 'g').candidates.find((candidate) => candidate.node === c.name);
  expect(c.cut2).toBeLessThan(a.file?.offset ?? 0n);
  expect(seen?.versus[a.name]?.kind).toBe('incomparable');
});

test('a stop without a save of its own is no orderly stop, whatever a child still wrote', () => {
  const { fleet, nodes } = fleetOf(false, 2);
  const [a] = nodes;
  save(fleet, a);
  write(fleet, a, 10);
  say(fleet, a, { kind: 'shutdown-requested', by: 'SIGTERM' });
  say(fleet, a, { kind: 'saved' }, 'C');
  say(fleet, a, { kind: 'exited' });
  allOff(fleet, crash);
  expect(diagnose(surveyOf(fleet), 'g').onNoDisk).toMatchObject({ newestFile: a.name });
});

test('what a booted master passed on under an id of its own is not counted to the history before', () => {
  const { fleet, nodes } = fleetOf(false, 2);
  const [a, b] = nodes;
  allOff(fleet, stop);
  start(fleet, a, 'master');
  for (let each = 0; each < 3; each++) write(fleet, a, 10);
  start(fleet, b, 'replica');
  follow(fleet, b, a);
  crash(fleet, b);
  stop(fleet, a);
  const diagnosis = diagnose(surveyOf(fleet, { logs: [0, 1], sentinels: [] }), 'g');
  const first = a.log.find((event) => event.kind === 'backlog-created');
  const ends = diagnosis.candidates.find((candidate) => candidate.node === a.name)?.end;
  expect(ends?.offset).toBe(40n);
  expect(ends?.replid).not.toBe(first?.kind === 'backlog-created' ? first.replid : '');
});

describe('a master that was started again from its AOF draws an id that joins it to nothing by itself', () => {
  test('after an orderly stop it has all of those who followed it, and they not all of it', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b, c] = nodes;
    for (const each of [b, c]) rewriteAof(fleet, each);
    write(fleet, a, 10);
    for (const each of [b, c, a]) stop(fleet, each);
    start(fleet, a, 'master');
    expect(relation(fleet, a, b)).toMatchObject({ kind: 'contains' });
    expect(relation(fleet, b, a)?.kind).not.toMatch(/^(contains|equal)$/);
    write(fleet, a, 10);
    expect(relation(fleet, a, c)).toMatchObject({ kind: 'contains' });
    expect(relation(fleet, c, a)?.kind).not.toMatch(/^(contains|equal)$/);
    expect(diagnose(surveyOf(fleet), 'g')).toMatchObject({ winner: a.name, consents: [] });
  });

  test('the same once a replica follows it, and its log names the new id', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b, c] = nodes;
    for (const each of [b, c]) rewriteAof(fleet, each);
    for (const each of [b, c, a]) stop(fleet, each);
    start(fleet, a, 'master');
    start(fleet, b, 'replica');
    follow(fleet, b, a);
    write(fleet, a, 10);
    expect(relation(fleet, a, c)).toMatchObject({ kind: 'contains' });
    expect(diagnose(surveyOf(fleet), 'g')).toMatchObject({ winner: a.name, consents: [] });
  });

  test('after a crash its AOF may lack the end: nothing is joined', () => {
    const { fleet, nodes } = fleetOf(true);
    const [a, b] = nodes;
    rewriteAof(fleet, b);
    allOff(fleet, crash);
    start(fleet, a, 'master');
    expect(relation(fleet, a, b)?.kind).toBe('incomparable');
  });
});
