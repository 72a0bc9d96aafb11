import fc from 'fast-check';
import { test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { carriedOut, programs } from '../model/programs.js';
import { untruths } from '../model/sound.js';
import { surveyOf, truthOf } from '../model/survey-of.js';

const kinds = (process.env.KINDS ?? 'contains|equal|contained|forked|wins|disk').split('|');
test.each(kinds)('%s', (kind) => {
  const out = fc.check(
    fc.property(programs, (program) => {
      const fleet = carriedOut(program);
      return !untruths(fleet, diagnose(surveyOf(fleet, program.losses), 'g')).some((u) => u.includes(kind));
    }),
    { numRuns: Number(process.env.N ?? 20000), seed: Number(process.env.SEED ?? 7) },
  );
  if (!out.failed || !out.counterexample) return console.log(kind, 'none found');
  const program = out.counterexample[0];
  const fleet = carriedOut(program);
  const d = diagnose(surveyOf(fleet, program.losses), 'g');
  console.log(
    kind,
    JSON.stringify(program),
    untruths(fleet, d),
    '\n' +
      fleet.nodes
        .map(
          (n) =>
            `${n.name} aof=${n.aof} truth=${[...truthOf(n)]} file=${n.file?.replid?.slice(0, 8)}@${n.file?.offset}\n   ${n.log
              .map((e) => {
                const { at, kind: k, ...r } = e as never as Record<string, unknown>;
                return `${(at as { role: string }).role}:${k}${Object.values(r)
                  .map((v) => ' ' + String(v).slice(0, 16))
                  .join('')}`;
              })
              .join('\n   ')}`,
        )
        .join('\n'),
    '\n' +
      d.candidates
        .map((c) => `${c.node} ${c.end?.replid.slice(0, 8)}@${c.end?.offset} ${c.end?.precision} ${c.source}`)
        .join('\n'),
  );
});
