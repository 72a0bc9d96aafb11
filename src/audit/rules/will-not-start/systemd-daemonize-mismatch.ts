import type { RawUnit } from '../../../model/raw-host.js';
import { mapSeen, type Seen } from '../../../model/seen.js';
import { linesOfArgv } from '../../../redis/command-line.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { together, where } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { spotOf, wordOf } from '../../settings.js';
import type { Target } from '../../target.js';
import type { AnyNode, Setting } from '../../view.js';

export const systemdDaemonizeMismatch = defineRule({
  id: 'systemd-daemonize-mismatch',
  class: 'will-not-start',
  severity: 'error',
  scope: 'node',
  versions: { redis: { from: '3.2' }, valkey: {} },
  title: 'the unit and the server do not agree on who goes into the background',
  rationale:
    'systemd follows the process that it started, waits for one that leaves (Type=forking), or waits to be told (Type=notify). A server that does otherwise counts as ended, or is killed when the start takes too long.',
  source:
    'server.c:main goes into the background when daemonize is yes and it is not supervised (redisIsSupervised needs NOTIFY_SOCKET, which Type=notify sets); systemd.service(5)',
  fix: 'Type=notify with supervised systemd and daemonize no, as packages have it; Type=forking needs daemonize yes.',
  fixtures: {
    fails: 'test/audit/fixtures/systemd-daemonize-mismatch/fails',
    nearMiss: 'test/audit/fixtures/systemd-daemonize-mismatch/near-miss',
  },
  needs: (node) => ({
    unit: where(startOf(node), ({ type }) => type !== undefined, 'no systemd unit starts it'),
    lines: together({ daemonize: node.setting('daemonize'), supervised: node.setting('supervised') }),
  }),
  check: ({ unit: { type = '', argv }, lines }, { target }): readonly Problem[] => {
    const says = (setting: Setting) => overruled(setting.name, argv, target) ?? lowerAscii(wordOf(setting, 'no'));
    const told = type.startsWith('notify') && ['systemd', 'auto'].includes(says(lines.supervised));
    const leaves = says(lines.daemonize) === 'yes' && !told;
    const message = mistake(type, leaves, told);
    const at = type.startsWith('notify') && !leaves ? lines.supervised : lines.daemonize;
    return message === undefined ? [] : [{ message, at: spotOf(at) }];
  },
});

function mistake(type: string, leaves: boolean, told: boolean): string | undefined {
  if (type === 'forking') {
    return leaves
      ? undefined
      : 'its unit waits for it to go into the background (Type=forking), which it does not: systemd kills it';
  }
  if (leaves) return `it goes into the background, and its unit (Type=${type}) takes it for ended`;
  if (!type.startsWith('notify') || told) return undefined;
  return `its unit waits to be told that it is ready (Type=${type}), and supervised does not say so: systemd kills it`;
}

/** What the unit's own options say; they stand over the file. */
function overruled(name: string, argv: readonly string[], target: Target): string | undefined {
  const line = linesOfArgv(argv, target.compatible).findLast((one) => one.name === name);
  return line === undefined ? undefined : lowerAscii(line.args[0] ?? '');
}

interface UnitStart {
  /** Undefined where it is no systemd unit. */
  readonly type: string | undefined;
  readonly argv: readonly string[];
}

function startOf(node: AnyNode): Seen<UnitStart> {
  return mapSeen(node.unit, ({ manager, properties }: RawUnit) => {
    const loaded = (properties.LoadState ?? 'loaded') === 'loaded';
    if (manager !== 'systemd' || !loaded) return { type: undefined, argv: [] };
    if (properties.Type === undefined) throw new Error('the look did not bring the Type of its unit');
    const argv = /argv\[\]=(.*?) ; (?:ignore_errors|flags)=/.exec(properties.ExecStart ?? '')?.[1] ?? '';
    return { type: properties.Type, argv: argv.split(' ') };
  });
}
