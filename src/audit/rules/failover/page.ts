import type { Fixtures } from '../../rule.js';

/** The two directories of a rule in the test tree. */
export function fixturesOf(id: string): Fixtures {
  return { fails: `test/audit/fixtures/${id}/fails`, nearMiss: `test/audit/fixtures/${id}/near-miss` };
}
