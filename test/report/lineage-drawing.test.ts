import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { drawLineage } from '../../src/report/lineage-drawing.js';
import { candidate, diagnosis } from './builders.js';

type Edge = readonly [parent: string, child: string, cut: number];
type End = readonly [node: string, history: string, offset: number];

function drawn(edges: readonly Edge[], ends: readonly End[], more: Partial<Diagnosis> = {}, words = false): string[] {
  const letters = [
    ...new Set([...edges.map((each) => each[0]), ...edges.map((each) => each[1]), ...ends.map((each) => each[1])]),
  ];
  const value = diagnosis({
    lineage: {
      histories: letters.map((letter) => ({ letter, replid: letter.repeat(40) })),
      edges: edges.map(([parent, child, cut]) => ({
        parent: parent.repeat(40),
        child: child.repeat(40),
        cut: BigInt(cut),
        how: 'promotion',
        proof: 'log',
      })),
      ends: ends.map(([node, history, offset]) => ({
        node,
        end: { replid: history.repeat(40), offset: BigInt(offset), precision: 'exact' },
      })),
    },
    ...more,
  });
  return drawLineage(value, { words });
}

describe('the drawing of histories', () => {
  it('is empty when no end is known', () => {
    expect(drawn([], [])).toEqual([]);
  });

  it('shows two promotions out of one history, the later cut nearer', () => {
    expect(
      drawn(
        [
          ['A', 'B', 100],
          ['A', 'C', 200],
        ],
        [
          ['pv1', 'A', 250],
          ['pv2', 'B', 300],
          ['pv3', 'C', 260],
          ['pv4', 'A', 90],
        ],
      ).join('\n'),
    ).toMatchInlineSnapshot(`
      "  ---A----+-------+--- pv1's own 50 bytes ----------------------------- pv1  250
                | . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . pv4   90
                |       +---C--- 60 bytes past 200 -------------------------- pv3  260
                +---B--- 200 bytes past 100 --------------------------------- pv2  300"
    `);
  });

  it('shows a cascade over a history on which no node ends any more', () => {
    expect(
      drawn(
        [
          ['A', 'B', 100],
          ['B', 'C', 200],
        ],
        [
          ['pv1', 'A', 100],
          ['pv2', 'C', 300],
        ],
      ).join('\n'),
    ).toMatchInlineSnapshot(`
      "  ---A----+ . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . pv1  100
                +---B---+
                        +---C--- 100 bytes past 200 ------------------------- pv2  300
        up to 100 all of them have the same bytes"
    `);
  });

  it('says that histories without a shared root cannot be compared', () => {
    const text = drawn(
      [],
      [
        ['pv1', 'A', 999],
        ['pv2', 'B', 10],
      ],
      { candidates: [candidate('pv1', 'incomparable', undefined), candidate('pv2', 'incomparable', undefined)] },
      true,
    ).join('\n');
    expect(text).toMatchInlineSnapshot(`
      "  ---A--------------------------------------------------- pv1  999  incomparable

        ---B--------------------------------------------------- pv2   10  incomparable

        These histories share nothing that was recorded: their offsets say nothing
        about each other."
    `);
  });

  it('names every node once, within 80 columns, whatever the edges say', () => {
    const letter = fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F');
    const edge = fc.tuple(letter, letter, fc.nat(1_000_000_000));
    const end = fc.tuple(letter, fc.nat(1_000_000_000));
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 6 }), fc.array(end, { minLength: 1, maxLength: 6 }), (edges, ends) => {
        const named = ends.map(([history, offset], index): End => [`node${index}`, history, offset]);
        const lines = drawn(edges, named);
        for (const [node] of named) expect(lines.filter((line) => line.includes(` ${node} `))).toHaveLength(1);
        for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
      }),
    );
  });

  it('says below it who made which history, when and at which offset, where a log line told the time', () => {
    const [A, B] = ['A'.repeat(40), 'B'.repeat(40)];
    const edge = { parent: A, child: B, cut: 19_550n, how: 'promotion' as const, proof: 'log' };
    const end = (node: string, replid: string, offset: bigint) => ({
      node,
      end: { replid, offset, precision: 'exact' as const },
    });
    const of = (when?: string) =>
      drawLineage(
        diagnosis({
          lineage: {
            histories: [
              { letter: 'A', replid: A, bornOn: 'pv1' },
              { letter: 'B', replid: B, bornOn: 'pv3' },
            ],
            edges: [when === undefined ? edge : { ...edge, when }],
            ends: [end('pv1', A, 89_803n), end('pv3', B, 31_414n)],
          },
        }),
        { words: false },
      );
    expect(of('23:20:29').at(-1)).toBe('  B: pv3 was promoted at 23:20:29 (its own clock), at 19 550 of A');
    expect(of().join(' ')).not.toContain('was promoted at');
  });
});
