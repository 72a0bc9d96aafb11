import { epochOf } from '../../../redis/sentinel-conf.js';
import { defineRule } from '../../rule.js';
import { ownOptionOf } from '../../settings.js';
import type { SentinelConf } from '../../view.js';

export const sentinelGeneratedEdited = defineRule({
  id: 'sentinel-generated-edited',
  class: 'drift',
  severity: 'warning',
  scope: 'sentinel',
  title: 'what the sentinel wrote down was edited, and not all of it',
  rationale:
    'A sentinel never writes a leader-epoch above its current-epoch. Where somebody set the epochs back by hand and left the leader-epoch, it votes for nobody until the others have counted up to there, one failed attempt at a time: the failover does not come for hours.',
  source:
    'sentinel.c:sentinelVoteLeader raises current-epoch first; with leader-epoch 57 a request for epoch 2 was answered "0 * 57", seen on 7.0.15',
  fix: 'Stop the sentinel and set config-epoch, current-epoch and leader-epoch together: the first two to one number above all that the group ever had, on every sentinel, and no leader-epoch line.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-generated-edited/fails',
    nearMiss: 'test/audit/fixtures/sentinel-generated-edited/near-miss',
  },
  needs: (node) => ({ conf: node.conf }),
  check: ({ conf }) => {
    const clock = clockOf(conf);
    return conf.statements
      .filter(({ sub, words }) => sub === 'leader-epoch' && epochOf(words[0]) > clock)
      .map(({ group, words, line }) => ({
        message: `leader-epoch ${epochOf(words[0])} of ${group ?? ''} is above the current epoch ${clock}: this sentinel votes for nobody until then`,
        at: { node: conf.node, line },
        beside: [ownOptionOf(conf, 'current-epoch')].filter((one) => one.line !== undefined),
      }));
  },
});

/** Loading takes the highest of current-epoch and every config-epoch (sentinel.c:sentinelHandleConfiguration). */
function clockOf(conf: SentinelConf): bigint {
  return conf.statements
    .filter(({ sub }) => sub === 'current-epoch' || sub === 'config-epoch')
    .map(({ words }) => epochOf(words[0]))
    .reduce((highest, epoch) => (epoch > highest ? epoch : highest), 0n);
}
