import fc from 'fast-check';
import { type Act, assemble, carry, type Deed } from './deeds.js';
import type { Fleet, Node } from './fleet.js';
import type { Losses } from './survey-of.js';

/** One thing that happens: `a` and `b` name nodes, `n` is a size. */
export interface Happening {
  readonly what: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
  readonly n: number;
}

const kinds = [
  'write',
  'write',
  'write',
  'write',
  'promote',
  'follow',
  'follow',
  'crash',
  'stop',
  'start-master',
  'start-replica',
  'save',
  'cut-link',
  'stall',
  'resume',
  'rewrite-aof',
  'rewrite-aof',
  'lose-backlog',
  'interrupted-copy',
  'promote-silently',
  'fail-over',
  'fail-over',
  'gather',
] as const;

export interface Program {
  readonly old: boolean;
  readonly nodes: readonly { readonly aof: boolean; readonly saves: boolean }[];
  readonly happenings: readonly Happening[];
  /** How each node ends: stays, crashes, or is stopped in order. */
  readonly ends: readonly ('stays' | 'crash' | 'stop')[];
  readonly losses: Losses;
  /** By node: how far its host's clock is ahead, and which happening moves it by how much. */
  readonly clocks?: readonly { readonly aheadMs: number; readonly jumpAt: number; readonly jumpMs: number }[];
}

const DAY_MS = 86_400_000;

const clock = fc.record({
  aheadMs: fc.integer({ min: -DAY_MS, max: DAY_MS }),
  jumpAt: fc.nat(90),
  jumpMs: fc.integer({ min: -DAY_MS, max: DAY_MS }),
});

const happening = fc.record({
  what: fc.constantFrom(...kinds),
  a: fc.nat(3),
  b: fc.nat(3),
  n: fc.integer({ min: 1, max: 4 }),
});

const losses: fc.Arbitrary<Losses> = fc.record({
  logs: fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constant(1), fc.double({ min: 0, max: 0.9, noNaN: true })),
    {
      minLength: 4,
      maxLength: 4,
    },
  ),
  sentinels: fc.constantFrom(
    ['votes', 'votes', 'votes'] as const,
    ['votes', 'votes', 'stale'] as const,
    ['votes', 'votes', 'gone'] as const,
    ['votes', 'gone', 'gone'] as const,
    ['gone', 'gone', 'gone'] as const,
  ),
});

export const programs: fc.Arbitrary<Program> = fc.record({
  old: fc.boolean(),
  nodes: fc.array(
    fc.record({ aof: fc.boolean(), saves: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)) }),
    {
      minLength: 2,
      maxLength: 4,
    },
  ),
  happenings: fc.array(happening, { minLength: 8, maxLength: 45, size: 'max' }),
  ends: fc.array(fc.constantFrom('stays', 'crash', 'crash', 'stop'), { minLength: 4, maxLength: 4 }),
  losses,
  clocks: fc.array(clock, { minLength: 4, maxLength: 4 }),
});

/** The fleet after all of it. Small write sizes make equal offsets in rival histories likely. */
export function carriedOut(program: Program): Fleet {
  const fleet = newFleet(program.nodes, program.old);
  carryOut(program, fleet, (deed) => carry(fleet, deed));
  return fleet;
}

/** Everything that is done in a program, one after the other; it depends on what was done before. */
export function deedsOf(program: Program): readonly Deed[] {
  const fleet = newFleet(program.nodes, program.old);
  const deeds: Deed[] = [];
  carryOut(program, fleet, (deed) => {
    deeds.push(deed);
    carry(fleet, deed);
  });
  return deeds;
}

function carryOut(program: Program, fleet: Fleet, act: Act): void {
  const moveClocks = (by: (clock: NonNullable<Program['clocks']>[number]) => number): void =>
    fleet.nodes.forEach((node, index) => {
      const moved = program.clocks?.[index];
      if (moved !== undefined) node.clockMs += by(moved);
    });
  moveClocks(({ aheadMs }) => aheadMs);
  assemble(fleet, act);
  const [first] = fleet.nodes;
  for (let each = 0; first && each < 3; each++) act({ what: 'write', node: first.name, bytes: 10 });
  program.happenings.forEach((each, index) => {
    moveClocks(({ jumpAt, jumpMs }) => (jumpAt === index ? jumpMs : 0));
    happen(fleet, each, act);
  });
  program.ends.forEach((end, index) => {
    const node = fleet.nodes[index];
    if (node && end !== 'stays') act({ what: end, node: node.name });
  });
}

export function newFleet(shapes: Program['nodes'], old = false): Fleet {
  const nodes = shapes.map(
    ({ aof, saves }, index): Node => ({
      name: `pv${index + 1}`,
      aof,
      saves,
      clockMs: index * 3_600_000 - 5_000_000,
      alive: false,
      role: 'master',
      link: 'down',
      replid: '0'.repeat(40),
      cut2: 0n,
      offset: 0n,
      backlog: false,
      backlogFrom: 1n,
      cached: false,
      writes: new Set(),
      changes: 0,
      appended: 0,
      appending: false,
      started: 0,
      log: [],
    }),
  );
  return {
    old,
    nodes,
    nowMs: 1_800_000_000_000,
    written: 0,
    ids: 0,
    epoch: 0n,
    elected: undefined,
    electedAt: 0,
    byHand: false,
    acknowledged: new Map(),
    takenIn: new Map(),
  };
}

function happen(fleet: Fleet, { what, a, b, n }: Happening, act: Act): void {
  const node = fleet.nodes[a % fleet.nodes.length]?.name;
  const master = fleet.nodes[b % fleet.nodes.length]?.name;
  if (node === undefined || master === undefined) return;
  switch (what) {
    case 'write':
      writeSome(fleet, a, n, act);
      break;
    case 'fail-over':
      failOver(fleet, node, n, act);
      break;
    case 'gather':
      gather(fleet, act);
      break;
    case 'promote':
    case 'promote-silently':
      act({ what: 'promote', node, elect: what === 'promote' });
      break;
    case 'start-master':
    case 'start-replica':
      act({ what: 'start', node, as: what === 'start-master' ? 'master' : 'replica' });
      break;
    case 'follow':
    case 'interrupted-copy':
      act({ what, node, master });
      break;
    default:
      act({ what, node });
  }
}

/** Writes of any size at a node that is master, whichever of them the number picks. */
function writeSome(fleet: Fleet, pick: number, count: number, act: Act): void {
  const masters = fleet.nodes.filter((node) => node.alive && node.role === 'master');
  const master = masters[pick % Math.max(1, masters.length)];
  for (let each = 0; master && each < count; each++) act({ what: 'write', node: master.name, bytes: 10 });
}

/** What Sentinel does: the elected master goes, a replica is promoted, the others follow it. */
function failOver(fleet: Fleet, name: string, how: number, act: Act): void {
  const old = fleet.elected;
  const next = fleet.nodes.find((node) => node.name === name);
  if (!next?.alive || next.role !== 'replica') return;
  if (old?.alive && how < 4) act({ what: how === 1 ? 'stop' : 'crash', node: old.name });
  act({ what: 'promote', node: name, elect: true });
  gather(fleet, act);
}

/** Every replica that runs follows the elected master and has its AOF written. */
function gather(fleet: Fleet, act: Act): void {
  const master = fleet.elected;
  if (!master?.alive) return;
  const astray = (node: Node) => node.of !== master || node.link === 'down';
  for (const node of fleet.nodes) {
    if (!node.alive || node === master || node.role !== 'replica' || !astray(node)) continue;
    act({ what: 'follow', node: node.name, master: master.name });
    act({ what: 'rewrite-aof', node: node.name });
  }
}
