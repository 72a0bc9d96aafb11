import type { Action, Batch } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { cli, word } from '../commands.js';
import { action, condition, moves, placeOf, type RedisNode, type Scene, type Step, sideBySide } from '../scene.js';
import { weighedAt } from '../weighed.js';
import { predicted, redisFiles, roleWord } from './rewrite.js';
import { secondBestLast } from './second-best.js';

const LINK_LIMIT_MS = 1_800_000;
const ROLE_LIMIT_MS = 60_000;

/** Pauses writes on running nodes that say that they are master and will not be: what they accepted now would be lost. */
export const fenceOthers: Step = {
  name: 'fence-others',
  summary: 'pause writes on every running node that is master now and will not be',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => !node.isMaster && known(node.seen.running)?.role === 'master')
        .map((node) => fence(scene, node)),
    ),
};

/** The chosen node copies what a fresher running node has, before it is promoted. */
export const catchUp: Step = {
  name: 'catch-up',
  summary: 'let the chosen node copy all that a fresher running node has',
  parameters: {},
  plan: (scene) => {
    const { master } = scene;
    const from = scene.redis.find((node) => node.entry.id === scene.decision.catchUpFrom);
    if (!master || !from) return [];
    return sideBySide(
      [follow(scene, master, from)],
      [
        condition(scene, 'caught-up-with', LINK_LIMIT_MS, `${master.entry.id} has all of ${from.entry.id}`, {
          node: master.entry.id,
          master: from.entry.id,
        }),
      ],
    );
  },
};

/** Makes the chosen running node master behind a fence: clients may write only after its role and data were checked. */
export const promote: Step = {
  name: 'promote',
  summary: 'make the chosen running node master with writes fenced, check its role and data, lift the fence',
  parameters: {},
  plan: (scene) => {
    const { master } = scene;
    if (!master || scene.diagnosis.serving === master.entry.id) return [];
    const id = master.entry.id;
    return [
      ...sideBySide(
        [fence(scene, master), lead(scene, master)],
        [
          condition(scene, 'is-master', ROLE_LIMIT_MS, `${id} is master`, { node: id }),
          condition(scene, 'data-loaded', ROLE_LIMIT_MS, `${id} has its data`, { node: id }),
        ],
      ),
      ...sideBySide([lift(scene, master)]),
    ];
  },
};

/** Points the running nodes that do not follow the master at it, one at a time, the holder of the second-best data last. */
export const repoint: Step = {
  name: 'repoint',
  summary: 'point the other running nodes at the master, one at a time, and disconnect their clients',
  parameters: {},
  plan: (scene) => {
    const { master } = scene;
    if (!master) return [];
    return secondBestLast(scene)
      .filter((node) => node.seen.running.ok && moves(scene, node))
      .flatMap((node): readonly Batch[] => {
        const ends = { node: node.entry.id, master: master.entry.id };
        return sideBySide(
          [follow(scene, node, master)],
          [
            condition(scene, 'linked-to', LINK_LIMIT_MS, `${ends.node} is linked to ${ends.master}`, ends),
            condition(scene, 'caught-up-with', LINK_LIMIT_MS, `${ends.node} has caught up with ${ends.master}`, ends),
          ],
        );
      });
  },
};

function lead(scene: Scene, node: RedisNode): Action {
  const files = redisFiles(scene, node);
  return action(
    scene,
    placeOf(node),
    'role.lead',
    { files },
    {
      text: `${node.entry.id} becomes master, and its files say so`,
      commands: [cli(node.entry, ...replicaofWords(node, 'NO', 'ONE')), ...editCommands(files.map(({ path }) => path))],
      diff: files.flatMap((file) => predicted(node, file) ?? []),
      expect: 'role:master, with the keys and the offset that it had',
      undo: 'it follows its former master again, until it has accepted its first write; then never',
      verify: cli(node.entry, 'INFO', 'replication'),
    },
  );
}

function follow(scene: Scene, node: RedisNode, master: RedisNode): Action {
  const files = redisFiles(scene, node, master);
  const running = known(node.seen.running);
  const isSetAside = scene.decision.setAside.includes(node.entry.id);
  const weighed = running?.role === 'master' && !isSetAside;
  const fenced = scene.decision.catchUpFrom === node.entry.id;
  const { address, port } = master.entry;
  return action(
    scene,
    placeOf(node),
    'role.follow',
    {
      master: master.entry.id,
      files,
      ...(weighed && !fenced ? { upTo: weighedAt(running) } : {}),
      ...(running?.role === 'master' && isSetAside ? { asKept: true as const } : {}),
    },
    {
      text: `${node.entry.id} follows ${master.entry.id}, and its files say so; its clients are disconnected`,
      commands: [
        ...editCommands(files.map(({ path }) => path)),
        cli(node.entry, ...replicaofWords(node, address, String(port))),
        cli(node.entry, 'CLIENT', 'KILL', 'TYPE', 'normal'),
        cli(node.entry, 'CLIENT', 'KILL', 'TYPE', 'pubsub'),
      ],
      diff: files.flatMap((file) => predicted(node, file) ?? []),
      expect: `role:slave, master_host:${address}`,
      undo: 'the kept file is put back; what it held before a full copy is in its kept files',
      verify: cli(node.entry, 'INFO', 'replication'),
      hazard: 'what it holds may be replaced by a copy of the master; its files are kept',
    },
  );
}

function replicaofWords(node: RedisNode, ...words: readonly string[]): readonly string[] {
  return [roleWord(node).toUpperCase(), ...words];
}

function editCommands(paths: readonly string[]): readonly string[] {
  return paths.map((path) => `\${EDITOR:-vi} ${word(path)}   # make exactly the changes of the diff`);
}

/** The pause of writes on a running or starting node, renewed until it is lifted. */
export function fence(scene: Scene, node: RedisNode): Action {
  return action(
    scene,
    placeOf(node),
    'fence.raise',
    {},
    {
      text: `writes on ${node.entry.id} are paused, renewed every second`,
      commands: [cli(node.entry, 'CLIENT', 'PAUSE', '5000', 'WRITE')],
      expect: 'clients that write wait; reads go on',
      undo: 'the pause ends by itself within five seconds',
      ...(node.runs
        ? {}
        : { hazard: 'the few milliseconds between its first answer and the first pause are not fenced' }),
    },
  );
}

/** The end of the pause: from here on there is no way back. */
export function lift(scene: Scene, node: RedisNode): Action {
  return action(
    scene,
    placeOf(node),
    'fence.lift',
    {},
    {
      text: `${node.entry.id} accepts writes`,
      commands: [cli(node.entry, 'CLIENT', 'UNPAUSE')],
      expect: 'writes are accepted',
      undo: 'none: from the first accepted write on, going back would lose it',
      hazard: 'undo ends here',
    },
  );
}
