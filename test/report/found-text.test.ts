import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/discover/assemble.js';
import type { Visit } from '../../src/model/found.js';
import { foundLines } from '../../src/report/found-text.js';
import { dark, deadFleet } from '../discover/machines.js';

const [one, two] = deadFleet() as [Visit, Visit];
const found = assemble(['pv1'], [one, two, dark('10.0.10.3', '10.0.10.3 cannot be reached: connect ETIMEDOUT.')]);
const shown = (width: number, verbose = false) => foundLines(found, { width, colour: false, verbose }).join('\n');

describe('what was found, on a screen', () => {
  it('says of each member how it is known, and of a machine that could not be entered why', () => {
    expect(shown(80)).toBe(`FOUND FROM pv1
3 redis and 3 sentinels of shop on 3 machines, of which 2 could be entered.

  MACHINE    NODE            RUNS  KNOWN
  pv1        redis 6379      no    seen; named by 2 others
  10.0.10.2  redis 6379      no    seen; named by pv1/sentinel
? 10.0.10.3  redis 6379      ?     named by 10.0.10.2/sentinel and pv1/sentinel
  pv1        sentinel 26379  no    seen; named by 10.0.10.2/sentinel
  10.0.10.2  sentinel 26379  no    seen; named by pv1/sentinel
? 10.0.10.3  sentinel 26379  ?     named by 10.0.10.2/sentinel and pv1/sentinel

? 10.0.10.3 could not be entered: connect ETIMEDOUT. What it holds, and whom it
  names, is not known.

Members that no file and no answer names cannot be known from here.`);
  });

  it('has the file and every name with -v, in lines that fit', () => {
    expect(shown(160, true)).toMatch(/10\.0\.10\.2 .*\n? +\/etc\/redis\/redis\.conf; named by pv1\/sentinel/);
    for (const line of shown(100, true).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});
