import { expect, it } from 'vitest';
import { parseTarget } from '../../src/audit/target.js';
import { agreement, printAgreement } from '../audit/agreement.js';

const target = parseTarget('redis-7.0.15');

it('says of mutated configs what redis 7.0 says: whether they start, and at which line not', async () => {
  if (target === undefined) throw new Error('no target');
  const all = await agreement(
    ['redis-server'],
    target,
    Number(process.env.STARTS_SEED ?? '7'),
    Number(process.env.STARTS_COUNT ?? '480'),
  );
  const refused = all.reduce((sum, one) => sum + one.refused, 0);
  const total = all.reduce((sum, one) => sum + one.total, 0);
  console.log(printAgreement(all));
  expect(refused / total).toBeGreaterThan(0.35);
  expect(all.filter((one) => one.differ.length > one.total * 0.02)).toEqual([]);
});
