import type { ConfigLine } from '../../../model/formats.js';
import { atLeast, parseVersion } from '../../../redis/versions.js';
import { where } from '../../need.js';
import { defineRule } from '../../rule.js';

export const saveTooFrequent = defineRule({
  id: 'save-too-frequent',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'a save point makes snapshots all the time',
  rationale:
    'Each snapshot forks the server and writes the whole dataset: memory for the pages that change meanwhile, a pause for the fork, and a disk that is never idle. On a machine that is short of memory the fork fails, and then writes are refused.',
  source: 'redis.conf, SNAPSHOTTING; rdb.c:rdbSaveBackground; server.c:serverCron',
  fix: 'Use the built-in `save 3600 1 300 100 60 10000`; for less loss than that turn the AOF on.',
  fixtures: {
    fails: 'test/audit/fixtures/save-too-frequent/fails',
    nearMiss: 'test/audit/fixtures/save-too-frequent/near-miss',
  },
  needs: (node) => ({
    gives: where(node.gives, ({ save }) => save.length > 0, 'the node has no save points'),
    lines: node.linesOf('save'),
  }),
  check: ({ gives: { save }, lines: { node, lines } }) => {
    const often = save.find(({ seconds, changes }) => seconds < 30 || (seconds <= 60 && changes <= 1000));
    if (often === undefined) return [];
    const word = String(often.seconds);
    const line = lines.findLast(({ args }) => args.join(' ').split(' ').includes(word)) ?? lines.at(-1);
    const changes = `${often.changes} ${often.changes === 1 ? 'change' : 'changes'}`;
    return [{ message: `a snapshot of everything each ${word} s as soon as there are ${changes}`, at: { node, line } }];
  },
});

export const saveOverridden = defineRule({
  id: 'save-overridden',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'save lines that do not count, or count twice',
  rationale:
    'Save lines add up, and `save ""` takes back all that stand before it. Nothing is said about it: who reads the first lines believes in snapshots that are never made.',
  source: 'config.c:setConfigSaveOption; both accepted, the same point kept twice, seen on 7.0.15',
  fix: 'Keep either the save points or `save ""`, and each point once.',
  fixtures: {
    fails: 'test/audit/fixtures/save-overridden/fails',
    nearMiss: 'test/audit/fixtures/save-overridden/near-miss',
  },
  needs: (node) => ({
    save: where(node.linesOf('save'), ({ lines }) => lines.length > 0, 'there is no save line'),
  }),
  check: ({ save: { node, lines } }) => {
    const off = lines.findLast((line, at) => clears(line) && lines.slice(0, at).some(addsIn(line.file)));
    if (off !== undefined) {
      const before = lines.slice(0, lines.indexOf(off)).filter(addsIn(off.file));
      return [
        {
          message: 'save "" takes back the save points that stand before it',
          at: { node, line: off },
          beside: before.map((line) => ({ node, line })),
        },
      ];
    }
    const seen = new Set<string>();
    const again = lines.filter((line) => {
      const point = line.args.join(' ');
      return seen.size === seen.add(point).size;
    });
    return again.map((line) => ({
      message: `save ${line.args.join(' ')} is given twice`,
      at: { node, line },
      changes: [{ node, line, now: undefined }],
    }));
  },
});

export const saveDefaultChangesOnUpgrade = defineRule({
  id: 'save-default-changes-on-upgrade',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'snapshots begin by themselves after the upgrade',
  rationale:
    'Up to 6.0 a config file without a save line makes no snapshots; from 6.2 on the built-in save points count. After the upgrade the node forks and fills its disk where it never did.',
  source: 'server.c:main of 6.0.20, which resets the save points, and of 6.2.0, which does not',
  fix: 'Write the save line that is meant before the upgrade: `save ""`, or save points.',
  fixtures: {
    fails: 'test/audit/fixtures/save-default-changes-on-upgrade/fails',
    nearMiss: 'test/audit/fixtures/save-default-changes-on-upgrade/near-miss',
    target: 'redis-7.0',
  },
  needs: (node) => ({
    save: where(
      node.linesOf('save'),
      ({ lines }) => lines.length === 0 && atLeast(node.target.compatible, '6.2.0'),
      'a save line says what is meant, or the target makes no snapshots by itself',
    ),
    running: node.running,
  }),
  check: ({ save: { node }, running: { version } }) =>
    atLeast(parseVersion(version), '6.2.0')
      ? []
      : [
          {
            message: `no save line: ${version} makes no snapshots, the target version makes them by itself`,
            at: { node, line: undefined },
            changes: [{ node, line: undefined, now: 'save ""' }],
          },
        ],
});

function clears({ args }: ConfigLine): boolean {
  return args.length === 1 && args[0] === '';
}

function addsIn(file: string): (line: ConfigLine) => boolean {
  return (line) => !clears(line) && line.file === file;
}
