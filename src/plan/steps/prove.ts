import { listOf } from '../../diagnosis/names.js';
import type { Condition } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { condition, type Scene, type Step, sideBySide } from '../scene.js';

/** Twice a TILT (sentinel.c:SENTINEL_TILT_PERIOD, 30 s), during which a sentinel judges nothing. */
const AGREE_LIMIT_MS = 60_000;
const SHORT_LIMIT_MS = 60_000;

/** Roles, offsets, epochs, quorum: seen on every node, by what the sentinels heard from each other. */
export const prove: Step = {
  name: 'prove',
  summary: 'prove roles, links, epochs, agreement of the sentinels, quorum, and that files say what runs',
  parameters: {},
  plan: (scene) => {
    const { master } = scene;
    if (!master) return [];
    const replicas = scene.everyRedis.filter((node) => !node.isMaster && !node.isLeftOut);
    const sentinels = scene.everySentinel.map((node) => node.entry.id);
    const id = master.entry.id;
    const nodes = [...scene.redis, ...scene.sentinels].map((node) => node.entry.id);
    const leftOut = scene.everyRedis.filter((node) => node.isLeftOut).map((node) => node.entry.id);
    const started = nodes.filter((node) => !leftOut.includes(node));
    const others =
      leftOut.length === 0 ? 'nothing is held any more' : `nothing but ${leftOut.join(', ')} is held any more`;
    return sideBySide(
      [],
      [
        condition(scene, 'is-master', SHORT_LIMIT_MS, `${id} is master`, { node: id }),
        ...replicas.map((node) =>
          condition(scene, 'caught-up-with', SHORT_LIMIT_MS, `${node.entry.id} follows ${id}, link up`, {
            node: node.entry.id,
            master: id,
          }),
        ),
        ...(sentinels.length === 0
          ? []
          : [
              condition(
                scene,
                'sentinels-agree',
                AGREE_LIMIT_MS,
                `all ${sentinels.length} sentinels agree on ${id} and know each other`,
                {
                  group: scene.group.group,
                  master: id,
                  sentinels,
                  replicas: replicas.map((node) => node.entry.id),
                },
              ),
              ...quorumOf(scene, sentinels),
            ]),
        ...neverRestarted(scene),
        condition(scene, 'files-as-planned', SHORT_LIMIT_MS, 'the files say what runs', { nodes }),
        condition(scene, 'nothing-held', SHORT_LIMIT_MS, others, { nodes: started }),
      ],
    );
  },
};

/** On the paths that leave running Redis alone: the processes are the ones that were surveyed. */
function neverRestarted(scene: Scene): readonly Condition[] {
  if (scene.path === 'cold') return [];
  const nodes = scene.everyRedis.flatMap((node) => {
    const runId = known(node.seen.running)?.runId;
    return runId === undefined ? [] : [{ node: node.entry.id, runId }];
  });
  const says = `Redis was not restarted on ${listOf(nodes.map(({ node }) => node))}`;
  return nodes.length === 0 ? [] : [condition(scene, 'not-restarted', SHORT_LIMIT_MS, says, { nodes })];
}

/** Not asked for where too few sentinels are in reach: what cannot be is said before, and left to do afterwards. */
function quorumOf(scene: Scene, sentinels: readonly string[]): readonly Condition[] {
  if (sentinels.length * 2 <= scene.group.sentinels.length) return [];
  return [
    condition(scene, 'quorum', SHORT_LIMIT_MS, 'CKQUORUM is ok on every sentinel', {
      group: scene.group.group,
      sentinels,
    }),
  ];
}
