import type { Condition } from '../../model/plan.js';
import { holdPath, stopCommand, word } from '../commands.js';
import {
  action,
  condition,
  placeOf,
  type RedisNode,
  type Scene,
  type SentinelNode,
  type Step,
  sideBySide,
} from '../scene.js';

const STOP_LIMIT_MS = 60_000;
const TALK_LIMIT_MS = 10_000;

/** Stops every sentinel and keeps it from starting: the first act of every recovery. */
export const holdSentinels: Step = {
  name: 'hold-sentinels',
  summary: 'hold every sentinel of the group, stop it and prove that it is gone',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.sentinels.flatMap((node) => [hold(scene, node), stopSentinel(scene, node)]),
      scene.sentinels.length === 0
        ? []
        : [
            condition(scene, 'stopped', STOP_LIMIT_MS, noneRuns(scene), {
              nodes: scene.sentinels.map((node) => node.entry.id),
            }),
            ...noneTalks(scene),
          ],
    ),
};

/** One that fleet.yaml does not name would act on its own, and a pause of writes would look like a dead master to it. */
function noneTalks(scene: Scene): readonly Condition[] {
  const all = scene.group.sentinels.length;
  // Where sentinels go on running, or are out of reach, they may well talk.
  if (scene.sentinels.length < all) return [];
  const nodes = scene.everyRedis.filter((node) => node.seen.running.ok).map((node) => node.entry.id);
  const says = 'no other sentinel talks to Redis';
  return nodes.length === 0 ? [] : [condition(scene, 'no-sentinel-talks', TALK_LIMIT_MS, says, { nodes })];
}

function noneRuns({ sentinels, everySentinel }: Scene): string {
  if (sentinels.length === everySentinel.length) return 'no sentinel of the group runs';
  return `no sentinel runs on ${sentinels.map((node) => node.host.name).join(', ')}`;
}

/** Keeps Redis from starting by itself; what runs goes on running. */
export const holdRedis: Step = {
  name: 'hold-redis',
  summary: 'keep every redis node of the group from starting by itself',
  parameters: {},
  plan: (scene) => sideBySide(scene.redis.map((node) => hold(scene, node))),
};

function hold(scene: Scene, node: RedisNode | SentinelNode) {
  const path = holdPath(node.host, node.entry);
  return action(
    scene,
    placeOf(node),
    'service.hold',
    {},
    {
      text: `hold ${node.entry.id}: nothing starts it until this run releases it`,
      commands: [`install -d -m 0700 ${word(`${node.host.state}/hold`)}`, `echo '{"run":"HAND"}' > ${word(path)}`],
      expect: `${path} names this run`,
      undo: 'the hold is removed',
    },
  );
}

function stopSentinel(scene: Scene, node: SentinelNode) {
  const pid = node.seen.process.ok ? node.seen.process.value?.pid : undefined;
  return action(
    scene,
    placeOf(node),
    'service.stop',
    { mode: node.runs ? 'save' : 'already-stopped' },
    {
      text: node.runs
        ? `stop the sentinel on ${node.host.name}`
        : `the sentinel on ${node.host.name} is stopped: proved again`,
      commands: [stopCommand(node.host, node.entry, pid)],
      expect: 'its process is gone',
      undo: node.runs ? 'it is started again' : 'nothing to undo',
      ...(node.runs ? { hazard: 'no automatic failover from here on' } : {}),
    },
  );
}
