import { expect, it } from 'vitest';
import { defaultPolicy } from '../../src/audit/policy.js';
import { willNotStartRules } from '../../src/audit/rules/will-not-start/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { parseTarget } from '../../src/audit/target.js';
import { type Mutant, mutant } from './mutations.js';

const judging = { rules: willNotStartRules, policy: defaultPolicy, today: '2026-11-21' };

function findingsOf({ node, text }: Mutant, version: string) {
  const file = { path: `node/${node}.conf`, named: true, content: { text } };
  return auditFiles([file], undefined, parseTarget(version), '', judging).flatMap(({ findings }) => findings);
}

it.each(['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1'])(
  'a line that a finding puts in the place of another is taken by %s',
  (version) => {
    const left: string[] = [];
    let edits = 0;
    for (let number = 0; number < 450; number += 1) {
      const made = mutant(11, number);
      for (const { rule, fix } of findingsOf(made, version)) {
        const [edit, more] = fix.edits;
        // Secrets are letters in what is shown: such a line is not what would be written.
        if (edit?.line === undefined || more !== undefined || /\((?:secret|hidden)/.test(edit.now ?? '')) continue;
        edits += 1;
        const at = edit.line - 1;
        const lines = made.text.split('\n').with(at, edit.now ?? '');
        const again = findingsOf({ ...made, text: lines.join('\n') }, version);
        const still = again.filter(({ line, rule: other }) => line === edit.line && other === rule);
        left.push(...still.map((one) => `#${number} ${rule}: ${edit.old} -> ${edit.now}: ${one.message}`));
      }
    }
    expect(left).toEqual([]);
    expect(edits).toBeGreaterThan(100);
  },
  60_000,
);
