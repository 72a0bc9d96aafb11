import { describe, expect, it } from 'vitest';
import { gainOf } from '../../src/backup/take/packing.js';

describe('what a sample says of compressing a file on its host', () => {
  const plain = { bytesPerSecond: 20e6, onTheLine: 1 };

  it('is how much faster it came', () => {
    expect(gainOf(plain, { bytesPerSecond: 40e6, onTheLine: 0.25 }, undefined)).toBe(2);
    expect(gainOf(plain, { bytesPerSecond: 10e6, onTheLine: 0.25 }, undefined)).toBe(0.5);
  });

  it('is nothing where nothing became smaller, however slow the connection was for a moment', () => {
    expect(gainOf(plain, { bytesPerSecond: 60e6, onTheLine: 1.001 }, undefined)).toBeLessThan(1);
    expect(gainOf(plain, { bytesPerSecond: 60e6, onTheLine: 0.5 }, undefined)).toBe(2);
  });

  it('is what a limit of the rate leaves of it', () => {
    expect(gainOf(plain, { bytesPerSecond: 40e6, onTheLine: 0.25 }, 5e6)).toBe(4);
    expect(gainOf(plain, { bytesPerSecond: 10e6, onTheLine: 0.25 }, 5e6)).toBe(2);
  });
});
