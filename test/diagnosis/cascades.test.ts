import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { assemble } from '../model/deeds.js';
import { crash, promote, save, start, stop } from '../model/events.js';
import { type Fleet, follow, type Node, rewriteAof, write } from '../model/fleet.js';
import { newFleet } from '../model/programs.js';
import { untruths } from '../model/sound.js';
import { surveyOf } from '../model/survey-of.js';

interface Cascade {
  readonly old: boolean;
  readonly nodes: number;
  readonly aof: boolean;
  readonly how: 'crash' | 'stop';
  readonly writes: readonly number[];
  readonly saveAt: number;
  readonly booted: boolean;
}

const cascades: fc.Arbitrary<Cascade> = fc.record({
  old: fc.boolean(),
  nodes: fc.integer({ min: 2, max: 5 }),
  aof: fc.boolean(),
  how: fc.constantFrom('crash', 'stop'),
  writes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 5, maxLength: 5 }),
  saveAt: fc.nat(5),
  booted: fc.boolean(),
});

/** One master after the other writes and goes; at the end everything is off; perhaps a dead one is booted once more. */
function played({ old, nodes, aof, how, writes, saveAt, booted }: Cascade): { fleet: Fleet; last: Node } {
  const fleet = newFleet(
    Array.from({ length: nodes }, () => ({ aof, saves: true })),
    old,
  );
  const end = how === 'crash' ? crash : stop;
  assemble(fleet);
  let last = fleet.nodes[0] as Node;
  fleet.nodes.forEach((master, phase) => {
    last = master;
    if (phase > 0) promote(fleet, master);
    for (const other of fleet.nodes) if (other.alive && other.role === 'replica') follow(fleet, other, master);
    for (const other of fleet.nodes) if (other.alive && other.role === 'replica' && aof) rewriteAof(fleet, other);
    for (let each = 0; each < (writes[phase] ?? 1); each++) write(fleet, master, 10);
    if (saveAt === phase) save(fleet, master);
    end(fleet, master);
  });
  if (booted && fleet.nodes[0]) {
    start(fleet, fleet.nodes[0], 'master');
    stop(fleet, fleet.nodes[0]);
  }
  return { fleet, last };
}

test('with every log there, a cascade has the last master as its winner, whichever way it ended', () => {
  fc.assert(
    fc.property(cascades, (cascade) => {
      const { fleet, last } = played(cascade);
      const survey = surveyOf(fleet);
      const diagnosis = diagnose(survey, 'g');
      expect(untruths(fleet, diagnosis, survey)).toEqual([]);
      const onlyMemory = cascade.how === 'crash' && !cascade.aof;
      // An AOF that began without a word in the log: only its bytes can tell whether it holds all (`aof-contained`).
      const silent = cascade.old && cascade.aof && cascade.how === 'crash';
      if (silent) expect([undefined, last.name]).toContain(diagnosis.winner);
      else if (!onlyMemory) expect(diagnosis.winner).toBe(last.name);
      else expect(diagnosis.winner).toBeDefined();
      expect(diagnosis.onNoDisk !== undefined).toBe(onlyMemory);
      const consents = new Set(diagnosis.consents.map((consent) => consent.kind));
      if (!silent) expect([...consents]).toEqual(onlyMemory ? ['accept-loss'] : []);
      else if (diagnosis.winner === undefined) expect([...consents]).toEqual(['set-aside']);
      expect(diagnosis.path.recommended).toBe('cold');
    }),
    { numRuns: 1500 },
  );
});

test('after an orderly stop nothing is left open: no possible tail, no consent', () => {
  fc.assert(
    fc.property(cascades, (cascade) => {
      const { fleet } = played({ ...cascade, how: 'stop', booted: false });
      const diagnosis = diagnose(surveyOf(fleet), 'g');
      expect(diagnosis.possibleTails).toEqual([]);
      expect(diagnosis.consents).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
