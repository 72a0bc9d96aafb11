import { byKey } from '../../by-key.js';
import { each } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { ownOptionOf, spotOf } from '../../settings.js';
import type { Setting } from '../../view.js';
import { fixturesOf } from './page.js';

/** Two equal ids stay equal whatever an unseen third sentinel has. */
export const sentinelDuplicateMyid = defineRule({
  id: 'sentinel-duplicate-myid',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: { redis: { from: '3.2' }, valkey: {} },
  title: 'sentinels share one id',
  rationale:
    'Sentinels tell each other apart by myid. Copies of one file (a cloned machine) each see no other sentinel, so nobody reaches the majority: with the master dead there is only +sdown, and no failover.',
  source: 'sentinel.c:sentinelProcessHelloMessage; three clones, CKQUORUM NOQUORUM, seen on 7.0.15',
  fix: 'Delete the `sentinel myid` line on the copies and restart them one by one: each makes an id of its own.',
  fixtures: fixturesOf('sentinel-duplicate-myid'),
  needs: (group) => ({
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
      2,
    ),
  }),
  check: ({ sentinels }) => {
    const ids = sentinels.map((conf) => ownOptionOf(conf, 'myid')).filter(({ line }) => line !== undefined);
    return byKey(ids, ({ words }) => words[0] ?? '').flatMap((same) => (same.length < 2 ? [] : [shared(same)]));
  },
});

function shared(same: readonly Setting[]): Problem {
  const [first, ...others] = same;
  const names = same.map(({ node }) => node.id).join(', ');
  return {
    message: `${names} have the same myid: each takes the others for itself and sees no other sentinel`,
    ...(first === undefined ? {} : { at: spotOf(first) }),
    beside: others.map(spotOf),
    changes: others.map((setting) => ({ ...spotOf(setting), now: undefined })),
  };
}
