import type { Condition } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { cli } from '../commands.js';
import { action, condition, type Scene, type Step, sideBySide } from '../scene.js';

const SHORT_LIMIT_MS = 60_000;
/** Twice what Sentinel gives a failover before it tries anew: it points the other replicas anew one after another. */
const LEAST_LIMIT_MS = 120_000;

/** One `SENTINEL FAILOVER`: no election, no quorum; then what it came to is seen on every node that runs. */
export const failOver: Step = {
  name: 'fail-over',
  summary: 'ask one sentinel for a failover, and wait until every running node and sentinel says the same',
  parameters: {},
  plan: (scene) => {
    const { forced, group } = scene;
    const asked = scene.sentinels.find((node) => node.entry.id === forced?.sentinel);
    if (!forced || !asked) return [];
    const command = ['SENTINEL', 'FAILOVER', group.group];
    return sideBySide(
      [
        action(
          scene,
          { host: asked.host.name, node: asked.entry.id },
          'sentinel.failover',
          { group: group.group, was: forced.was },
          {
            text: `ask ${asked.entry.id} for a failover; it chooses ${forced.among.join(' or ')}`,
            commands: [cli(asked.entry, ...command)],
            expect: `OK, and a few seconds later +switch-master ${group.group} in its log`,
            undo: 'none: the new master accepts writes at once; another failover gives the role on',
            verify: cli(asked.entry, 'SENTINEL', 'MASTER', group.group),
            hazard: 'the new master accepts writes at once; what only the old one holds is not served any more',
          },
        ),
      ],
      waits(scene, forced),
    );
  },
};

function waits(scene: Scene, { was, among }: NonNullable<Scene['forced']>): readonly Condition[] {
  const { group } = scene.group;
  const sentinels = scene.sentinels.filter((node) => node.seen.view.ok).map((node) => node.entry.id);
  const running = scene.redis.filter((node) => node.seen.running.ok);
  const names = running.map((node) => node.entry.id);
  const slowest = Math.max(0, ...scene.sentinels.map((node) => known(node.seen.view)?.failoverTimeoutMs ?? 0));
  const says = `${among.join(' or ')} is master, for every sentinel and every redis node that runs`;
  const fields = { group, was, among, sentinels, running: names };
  const runIds = running.map((node) => ({ node: node.entry.id, runId: known(node.seen.running)?.runId ?? '' }));
  return [
    condition(scene, 'failed-over', Math.max(LEAST_LIMIT_MS, 2 * slowest), says, fields),
    condition(scene, 'files-as-planned', SHORT_LIMIT_MS, 'their files say so, too', {
      nodes: [...names, ...sentinels],
    }),
    condition(scene, 'not-restarted', SHORT_LIMIT_MS, `Redis was not restarted on ${names.join(', ')}`, {
      nodes: runIds,
    }),
  ];
}
