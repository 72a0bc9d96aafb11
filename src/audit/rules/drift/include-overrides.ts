import type { ConfigLine } from '../../../model/formats.js';
import { canonicalName } from '../../../redis/directive-names.js';
import { byKey } from '../../by-key.js';
import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';

/** Directives whose lines add up; a second line of them overrules nothing. */
const additive: ReadonlySet<string> = new Set([
  'save',
  'user',
  'include',
  'loadmodule',
  'loadmodule-ex',
  'rename-command',
  'client-output-buffer-limit',
  'sentinel',
  'oom-score-adj-values',
]);

export const includeOverrides = defineRule({
  id: 'include-overrides',
  class: 'drift',
  severity: 'warning',
  scope: 'redis',
  title: 'an include overrules the file that includes it',
  rationale:
    'CONFIG REWRITE, and with it every failover, writes to the main file only. Where an include behind that line says something else, the next start takes the include, and what was written down is lost.',
  source:
    'redis.conf, INCLUDES; config.c:rewriteConfig; an include with replicaof made a master a replica again, seen on 7.0.15',
  fix: 'Put the include line first in the main file, or keep each directive in one of the two.',
  fixtures: {
    fails: 'test/audit/fixtures/include-overrides/fails',
    nearMiss: 'test/audit/fixtures/include-overrides/near-miss',
  },
  needs: (node) => ({
    files: where(
      together({ texts: node.texts, gives: node.gives, include: node.linesOf('include') }),
      ({ include }) => include.lines.length > 0,
      'there is no include',
    ),
  }),
  check: ({ files: { gives, include } }) => {
    const fromFiles = gives.lines.filter(
      ({ file, name }) => !file.startsWith('(') && !additive.has(canonicalName(name)),
    );
    return byKey(fromFiles, ({ name }) => canonicalName(name)).flatMap((same) => {
      const last = same.at(-1);
      const before = same.filter((line) => line !== last && line.includedFrom.length === 0 && !sameWords(line, last));
      if (last === undefined || last.includedFrom.length === 0 || before.length === 0) return [];
      return [
        {
          message: `${last.name} of the main file is overruled by an include: CONFIG REWRITE cannot change it`,
          at: { node: include.node, line: last },
          beside: before.map((line) => ({ node: include.node, line })),
        },
      ];
    });
  },
});

function sameWords(line: ConfigLine, other: ConfigLine | undefined): boolean {
  return line.args.join('\0') === other?.args.join('\0');
}
