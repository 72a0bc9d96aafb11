import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prngOf } from '../../src/lab/prng.js';
import { startFlipping, stopFlipping } from './flip.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, headless, recoverUntil } from './trouble.js';

/**
 * The user redis of a machine flips links while the tool is in the middle of keeping, rewriting or checking its files:
 * by then the survey saw them all as they should be.
 */
const MARK = 'CanaryOfRoot';
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 111 });
  await machines.untilSettled();
  await root('pv2', `echo '${MARK}:$6$${MARK}:19000:0:99999:7:::' >> /etc/shadow; echo ${MARK} > /root/canary`);
});

afterAll(async () => {
  await machines?.down();
});

async function root(name: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await machines.asRoot(name, script);
  expect(status, `${name}: ${script}\n${stderr}`).toBe(0);
  return stdout;
}

/** What root alone owns: content, owner, mode, links and names. */
function rootsOwn(): Promise<string> {
  const paths = '/root/canary /etc/shadow /etc /root';
  return root(
    'pv2',
    `sha256sum /root/canary /etc/shadow; stat -c '%n %u:%g %a %h %i' ${paths}; ls -A /root; ls -A /etc`,
  );
}

const moments: readonly (readonly [string, RegExp])[] = [
  ['keeps', /^keep\/pv2\/data\.keep\//],
  ['rewrites', /^rewrite\/pv2\/config\.rewrite\//],
  ['checks', /^check\/pv2\/config\.check\//],
];

describe('links that begin to flip while the tool', () => {
  test.each(moments)(
    '%s lead nothing of root anywhere, and the fleet is recovered once they are gone',
    async (_, action) => {
      const draw = prngOf(machines.fleet.seed + action.source.length);
      await (action.source.includes('keep') ? dead(machines) : headless(machines));
      const before = await rootsOwn();
      let pid = '';
      const attacked = await recoverUntil(machines, ['--path', 'cold', '-v'], { action }, async () => {
        pid = await startFlipping(machines, 'pv2', draw);
      });
      const again = await machines.runbook(['recover', '--yes', '--plain', '-v'], { timeoutMs: 240_000 });
      await root('pv2', `[ -d /proc/${pid} ]`);
      await stopFlipping(machines, 'pv2', pid);

      expect(await rootsOwn()).toBe(before);
      expect(`${attacked.stdout}${attacked.stderr}${again.stdout}${again.stderr}`).not.toContain(MARK);
      const copies = await root('pv2', `grep -rlsI ${MARK} /etc /var /tmp /run /home /root | sort`);
      expect(copies.trim().split('\n')).toEqual(['/etc/shadow', '/root/canary']);
      const last = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
      expect([0, 10], `${last.stdout}${last.stderr}`).toContain(last.status);
      await machines.untilSettled();
      expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    },
  );
});
