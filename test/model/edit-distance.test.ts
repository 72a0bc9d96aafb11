import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, isWithinDistance } from '../../src/model/edit-distance.js';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'P'), maxLength: 12 });

it('a comparison that is given up early says the same as one to the end', () => {
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 4 }), (left, right, most) => {
      expect(isWithinDistance(left, right, most)).toBe(editDistance(left, right) <= most);
    }),
    { numRuns: 5000 },
  );
});

it.each([
  ['requirepass', 'requirepas', 1],
  ['masterauth', 'masteratuh', 1],
  ['user', 'uesr', 1],
  ['sentinel', 'sentinle', 1],
  ['requirepass', 'reqiurepsas', 2],
  ['port', 'requirepass', 10],
])('%s and %s are %i apart', (left, right, apart) => {
  expect(editDistance(left, right)).toBe(apart);
  expect(isWithinDistance(left, right, apart)).toBe(true);
  expect(isWithinDistance(left, right, apart - 1)).toBe(false);
});
