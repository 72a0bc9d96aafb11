import { canonicalName } from '../../../redis/directive-names.js';
import { byKey } from '../../by-key.js';
import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';

/** On the command line of every packaged unit, where they belong. */
const ofTheUnit: ReadonlySet<string> = new Set(['daemonize', 'supervised', 'pidfile']);

export const cliOverrides = defineRule({
  id: 'cli-overrides',
  class: 'drift',
  severity: 'info',
  scope: 'redis',
  title: 'the command line overrules the config file',
  rationale:
    'Options of the command line count after the file. An edit of the file changes nothing then, and neither does what CONFIG REWRITE writes there: at the next start the command line wins again.',
  source: 'server.c:main appends the options to the config; seen on 7.0.15',
  fix: 'Move the option into the config file, and start the server with the file alone.',
  fixtures: {
    fails: 'test/audit/fixtures/cli-overrides/fails/survey.json',
    nearMiss: 'test/audit/fixtures/cli-overrides/near-miss/survey.json',
  },
  needs: (node) => ({
    all: where(
      together({ gives: node.gives, port: node.setting('port') }),
      ({ gives }) => gives.lines.some(({ file }) => file.startsWith('(')),
      'its command line sets nothing',
    ),
  }),
  check: ({ all: { gives, port } }) =>
    byKey(gives.lines, ({ name }) => canonicalName(name)).flatMap((same) => {
      const last = same.at(-1);
      const inFile = same.findLast(({ file }) => !file.startsWith('('));
      if (last === undefined || inFile === undefined || !last.file.startsWith('(') || ofTheUnit.has(last.name))
        return [];
      if (last.args.join(' ') === inFile.args.join(' ')) return [];
      return [
        {
          message: `${inFile.name} of the file does not count: the command line sets it too`,
          at: { node: port.node, line: inFile },
        },
      ];
    }),
});
