import type { Action, Batch } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { cli, holdPath, startCommand, word } from '../commands.js';
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
import { afterRestoredStart, asideBeforeStart } from './restore.js';
import { fence, lift } from './role.js';
import { secondBestLast } from './second-best.js';

const LOAD_LIMIT_MS = 1_800_000;
const LINK_LIMIT_MS = 1_800_000;
const ROLE_LIMIT_MS = 60_000;

/** Starts the master behind a fence: clients may write only after its data was checked. */
export const startMaster: Step = {
  name: 'start-master',
  summary: 'start the master with writes fenced, check its role and its data, lift the fence',
  parameters: {},
  plan: (scene) => {
    const master = scene.redis.find((node) => node.isMaster);
    if (!master) return [];
    const id = master.entry.id;
    const begin = [release(scene, master), start(scene, master, 'master'), fence(scene, master)];
    return [
      ...sideBySide(begin, [
        condition(scene, 'is-master', ROLE_LIMIT_MS, `${id} is master`, { node: id }),
        condition(scene, 'data-loaded', LOAD_LIMIT_MS, `${id} has loaded its data, and it is what was checked`, {
          node: id,
        }),
      ]),
      ...sideBySide([...afterRestoredStart(scene, master), ...repairs(scene, master), lift(scene, master)]),
    ];
  },
};

/** Starts the replicas one at a time, the holder of the second-best data last. */
export const startReplicas: Step = {
  name: 'start-replicas',
  summary: 'start the replicas one at a time, wait until each is linked and caught up',
  parameters: {},
  plan: (scene) => {
    const { master } = scene;
    if (!master) return [];
    const resting = secondBestLast(scene).filter((node) => scene.path === 'cold' || !node.runs);
    return resting.flatMap((node): readonly Batch[] =>
      sideBySide(
        [...asideBeforeStart(scene, node), release(scene, node), start(scene, node, 'replica')],
        [
          condition(scene, 'linked-to', LINK_LIMIT_MS, `${node.entry.id} is linked to ${master.entry.id}`, {
            node: node.entry.id,
            master: master.entry.id,
          }),
          condition(scene, 'caught-up-with', LINK_LIMIT_MS, `${node.entry.id} has caught up with ${master.entry.id}`, {
            node: node.entry.id,
            master: master.entry.id,
          }),
        ],
      ),
    );
  },
};

/** Starts all sentinels at once, after the master answers: a sentinel that starts alone believes that it is alone. */
export const startSentinels: Step = {
  name: 'start-sentinels',
  summary: 'start every sentinel of the group',
  parameters: {},
  plan: (scene) =>
    sideBySide(scene.sentinels.flatMap((node) => [release(scene, node), start(scene, node, 'sentinel')])),
};

/** Takes holds of redis nodes away: those of running nodes, and what a run that was cut off left. Nothing starts or stops by it. */
export const releaseRedis: Step = {
  name: 'release-redis',
  summary: 'release every redis node that is held',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => !node.isLeftOut && (known(node.seen.held) || (scene.path === 'live' && node.runs)))
        .map((node) => release(scene, node)),
    ),
};

function release(scene: Scene, node: RedisNode | SentinelNode): Action {
  return action(
    scene,
    placeOf(node),
    'service.release',
    {},
    {
      text: `release ${node.entry.id}`,
      commands: [`rm ${word(holdPath(node.host, node.entry))}`],
      expect: 'nothing holds it',
      undo: 'it is held again',
    },
  );
}

function start(scene: Scene, node: RedisNode | SentinelNode, as: 'master' | 'replica' | 'sentinel'): Action {
  const hazard =
    as === 'replica' && isOlder(scene, node.entry.id)
      ? { hazard: 'what it holds is replaced by a copy of the master; its files are kept' }
      : {};
  return action(
    scene,
    placeOf(node),
    'service.start',
    { as },
    {
      text: as === 'sentinel' ? `start the sentinel on ${node.host.name}` : `start ${node.entry.id} as ${as}`,
      commands: [startCommand(node.host, node.entry)],
      expect: 'it runs and answers',
      undo: as === 'master' ? 'it is stopped, until it has accepted its first write; then never' : 'it is stopped',
      ...hazard,
    },
  );
}

function isOlder(scene: Scene, node: string): boolean {
  return scene.diagnosis.candidates.find((candidate) => candidate.node === node)?.verdict !== 'same-as-freshest';
}

/** An open MULTI at the end of an AOF swallows every later write at the next load: rewrite before clients may write. */
function repairs(scene: Scene, node: RedisNode): readonly Action[] {
  if (scene.restore !== undefined) return [];
  const aof = known(node.seen.aof);
  const torn = !node.runs && known(node.seen.config)?.appendonly === true && aof !== undefined && aof.tail !== 'clean';
  if (!torn) return [];
  return [
    action(
      scene,
      placeOf(node),
      'aof.rewrite',
      {},
      {
        text: `${node.entry.id} rewrites its AOF, which ends ${aof.tail}`,
        commands: [cli(node.entry, 'BGREWRITEAOF'), cli(node.entry, 'INFO', 'persistence')],
        expect: 'aof_last_bgrewrite_status:ok',
        undo: 'nothing to undo: the kept copy is the file as it was',
      },
    ),
  ];
}
