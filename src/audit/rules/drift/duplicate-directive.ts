import { defineRule } from '../../rule.js';

/** Directives of one value; every other line for one of them is overruled in silence. */
const single = [
  'requirepass',
  'masterauth',
  'dir',
  'dbfilename',
  'maxmemory',
  'maxmemory-policy',
  'appendonly',
  'port',
  'bind',
  'replicaof',
] as const;

export const duplicateDirective = defineRule({
  id: 'duplicate-directive',
  class: 'drift',
  severity: 'warning',
  scope: 'redis',
  title: 'a directive is given twice',
  rationale: 'The last line wins and nothing is said: whoever edits the first one changes nothing.',
  source: 'config.c:loadServerConfigFromString; dir and requirepass twice accepted, seen on 7.0.15',
  fix: 'Keep one line.',
  fixtures: {
    fails: 'test/audit/fixtures/duplicate-directive/fails',
    nearMiss: 'test/audit/fixtures/duplicate-directive/near-miss',
  },
  needs: (node) => Object.fromEntries(single.map((name) => [name, node.linesOf(name)])),
  check: (lines) =>
    Object.values(lines).flatMap(({ node, name, lines: all }) => {
      const inFile = all.filter(({ file }) => !file.startsWith('('));
      const [last, ...before] = [...inFile].reverse();
      if (last === undefined || before.length === 0) return [];
      return [
        {
          message: `${name} is given ${inFile.length} times: only the last line counts`,
          at: { node, line: last },
          beside: before.map((line) => ({ node, line })),
          changes: before.map((line) => ({ node, line, now: undefined })),
        },
      ];
    }),
});
