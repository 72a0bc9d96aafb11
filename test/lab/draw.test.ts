import { describe, expect, it } from 'vitest';
import { drawClocks, drawFor, drawnText } from '../../src/lab/draw.js';
import { timeZoneOf } from '../../src/lab/layout.js';
import { prngOf } from '../../src/lab/prng.js';

const seeds = Array.from({ length: 40 }, (_, i) => i + 1);

describe('the draw of a seed', () => {
  it('is the same every time', () => {
    for (const seed of seeds) {
      expect(drawFor(seed, 3, 'aof', 'crash')).toEqual(drawFor(seed, 3, 'aof', 'crash'));
    }
  });

  it('gives exactly one phase ten times the writes', () => {
    for (const seed of seeds) {
      const { writes, heavyPhase } = drawFor(seed, 3, 'rdb', 'clean');
      expect(writes.filter((shape) => shape.count >= 240)).toEqual([writes[heavyPhase - 1]]);
    }
  });

  it('reaches every variation within forty seeds', () => {
    const draws = seeds.map((seed) => drawFor(seed, 3, 'aof', 'crash'));
    const places = (pick: (draw: (typeof draws)[number]) => unknown) =>
      new Set(draws.map((draw) => JSON.stringify(pick(draw)) ?? 'none'));
    expect(places((draw) => draw.heavyPhase).size).toBe(3);
    expect(places((draw) => draw.rewrite).size).toBe(5);
    expect(places((draw) => draw.bgsave).size).toBe(6);
    expect(places((draw) => draw.booted).size).toBe(5);
  });

  it('never starts the last master again, nor crashes anything where all stops are clean', () => {
    for (const seed of seeds) {
      const { booted, rewrite } = drawFor(seed, 3, 'rdb', 'clean');
      expect(booted?.phase).not.toBe(3);
      expect(booted?.stop).not.toBe('crash');
      expect(rewrite).toBeUndefined();
    }
  });

  it('asks no replica of the last of several masters', () => {
    for (const seed of seeds) {
      const { bgsave } = drawFor(seed, 3, 'rdb', 'clean');
      if (bgsave?.phase === 3) expect(bgsave.who).toBe('master');
    }
  });

  it('puts the clocks of most hosts minutes apart', () => {
    for (const seed of seeds) expect(new Set(drawClocks(seed, 5)).size).toBeGreaterThan(2);
  });

  it('says all of it', () => {
    expect(drawnText(drawFor(1, 3, 'rdb', 'clean'))).toHaveLength(4);
  });
});

describe('numbers from a seed', () => {
  it('stay in their range and reach both ends', () => {
    const prng = prngOf(7);
    const drawn = new Set(Array.from({ length: 400 }, () => prng.between(-2, 2)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });

  it('differ between seeds', () => {
    expect(prngOf(1).fraction()).not.toBe(prngOf(2).fraction());
  });
});

describe('the clock of a host', () => {
  it('is ahead of UTC by what POSIX writes with a minus sign', () => {
    expect(timeZoneOf(7)).toBe('LAB-0:07');
    expect(timeZoneOf(-9)).toBe('LAB0:09');
    expect(timeZoneOf(0)).toBe('LAB0:00');
    expect(timeZoneOf(75)).toBe('LAB-1:15');
  });
});
