import { expect, it } from 'vitest';
import { targetOf } from '../../src/audit/target.js';
import { agreement, printAgreement, refusedShare, tooFar } from '../audit/agreement.js';

const count = Number(process.env.RUNBOOK_SOAK_STARTS ?? '6000');
const seed = Number(process.env.RUNBOOK_SOAK_SEED ?? '100');

it('thousands of mutated configs: what the audit says of each is what redis 7.0 does', async () => {
  const all = await agreement(['redis-server'], targetOf('redis', { major: 7, minor: 0, patch: 15 }), seed, count);

  process.stdout.write(`${printAgreement(all)}\n`);
  expect(tooFar(all)).toEqual([]);
  expect(refusedShare(all)).toBeGreaterThan(0.4);
});
