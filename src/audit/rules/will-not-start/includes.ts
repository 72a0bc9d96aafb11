import { defineRule } from '../../rule.js';

export const includeMissing = defineRule({
  id: 'include-missing',
  class: 'will-not-start',
  severity: 'error',
  scope: 'node',
  title: 'an included file is not on the host',
  rationale:
    'A server that cannot open an included file ends at its start; a pattern that matches nothing is no mistake.',
  source: 'config.c:loadServerConfig, "Fatal error, can\'t open config file"; seen on 7.0.15',
  fix: 'Put the file there, or remove the include.',
  fixtures: {
    fails: 'test/audit/fixtures/include-missing/fails',
    nearMiss: 'test/audit/fixtures/include-missing/near-miss',
  },
  needs: (node) => ({ bad: node.badIncludes }),
  check: ({ bad }) =>
    bad
      .filter(({ why }) => why === 'absent')
      .map(({ node, line }) => ({
        message: `${line.args[0] ?? ''} is included and is not on the host: the server says "Fatal error, can't open config file"`,
        at: { node, line },
        changes: [{ node, line, now: undefined }],
      })),
});

export const includeLoop = defineRule({
  id: 'include-loop',
  class: 'will-not-start',
  severity: 'error',
  scope: 'node',
  title: 'a file includes itself',
  rationale: 'The server follows includes without end and crashes before it has written a word.',
  source: 'config.c:loadServerConfig calls itself; segmentation fault without any message, seen on 7.0.15',
  fix: 'Remove the include that leads back.',
  fixtures: {
    fails: 'test/audit/fixtures/include-loop/fails',
    nearMiss: 'test/audit/fixtures/include-loop/near-miss',
  },
  needs: (node) => ({ bad: node.badIncludes }),
  check: ({ bad }) =>
    bad
      .filter(({ why }) => why === 'loop')
      .map(({ node, line }) => ({
        message: `including ${line.args[0] ?? ''} leads back to a file that is being read: the server crashes`,
        at: { node, line },
        changes: [{ node, line, now: undefined }],
      })),
});
