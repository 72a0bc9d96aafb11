import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';

export const fileNotTheRunningFile = defineRule({
  id: 'file-not-the-running-file',
  class: 'drift',
  severity: 'warning',
  scope: 'host',
  profiles: { dev: 'warning' },
  title: 'the process was started with another file',
  rationale:
    'What is changed in a file that the server never reads has no effect, and what a failover writes down stands in the other one. A recovery that edits the wrong file starts the node in its old role.',
  source:
    'server.c:genRedisInfoString, config_file of INFO: the path that the server was given, made absolute, links not followed',
  fix: 'Name the file that the server reads in fleet.yaml (config), or start the server with the one that is named.',
  fixtures: {
    fails: 'test/audit/fixtures/file-not-the-running-file/fails/survey.json',
    nearMiss: 'test/audit/fixtures/file-not-the-running-file/near-miss/survey.json',
  },
  needs: (host) => ({
    nodes: each(
      [...host.redis, ...host.sentinels].map((node) => {
        const seen = together({ info: node.info, stat: node.configStat });
        return seen.ok ? { ...seen, value: { at: node.at, info: seen.value.info } } : seen;
      }),
      'running node',
    ),
  }),
  check: ({ nodes }) =>
    nodes.flatMap(({ at, info }) => {
      const runs = info.get('config_file') ?? '';
      if (!runs.startsWith('/') || plain(runs) === plain(at.main)) return [];
      return [
        {
          message: `the process of ${at.id} was started with ${runs}, and ${at.main} was looked at: unless one is a link to the other, a change of the second has no effect`,
          at: { node: at, line: undefined },
        },
      ];
    }),
});

/** Without what means the same in a path: doubled slashes and `.` in between. */
function plain(path: string): string {
  return path.replace(/\/(?:\.?\/)+/g, '/');
}
