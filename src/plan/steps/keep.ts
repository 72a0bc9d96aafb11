import { known } from '../../model/seen.js';
import { cli, word } from '../commands.js';
import { action, moves, placeOf, type RedisNode, type Scene, type Step, sideBySide } from '../scene.js';
import { redisFiles } from './rewrite.js';

/** A running node: a fresh save, so that the copy kept before the stop is worth having. */
export const saveRunning: Step = {
  name: 'save-running',
  summary: 'let every running redis node save its data in the background, and wait for it',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => node.runs && node.seen.running.ok && !isEmpty(node) && moves(scene, node))
        .map((node) => save(scene, node)),
    ),
};

function save(scene: Scene, node: RedisNode) {
  return action(
    scene,
    placeOf(node),
    'data.save',
    {},
    {
      text: `${node.entry.id} saves its data in the background`,
      commands: [cli(node.entry, 'BGSAVE'), cli(node.entry, 'INFO', 'persistence')],
      expect: 'rdb_last_bgsave_status:ok and a newer rdb_last_save_time',
      undo: 'nothing to undo: only the RDB file is newer',
      hazard: 'forks: needs memory for what is written meanwhile',
    },
  );
}

/** What only a running node holds and what is set aside: its own end, saved and kept with its writes paused. */
export const keepFenced: Step = {
  name: 'keep-fenced',
  summary: 'save and keep, with writes paused, what only a running node that is set aside holds',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => node.seen.running.ok && !node.isMaster && scene.decision.setAside.includes(node.entry.id))
        .flatMap((node) => [save(scene, node), keep(scene, node, 'fenced')]),
    ),
};

/** Keeps every data file of every node beside the original, verified. */
export const keepData: Step = {
  name: 'keep-data',
  summary: 'keep every data file of every redis node, hashed and read to its end',
  parameters: { moment: ['before-stop', 'after-stop'] },
  plan: (scene, parameters) => {
    const moment = parameters.moment === 'after-stop' ? 'after-stop' : 'before-stop';
    const nodes = scene.redis.filter((node) => (moment === 'before-stop' || node.runs) && moves(scene, node));
    return sideBySide(nodes.map((node) => keep(scene, node, moment)));
  },
};

function keep(scene: Scene, node: RedisNode, moment: 'before-stop' | 'after-stop' | 'fenced') {
  const config = known(node.seen.config);
  const directory = config?.dir ?? '.';
  const kept = `${directory}/.redis-runbook-RUN/${moment}`;
  const sources = filesOf(node);
  const alsoHere = mayHoldMore(scene, node.entry.id);
  return action(
    scene,
    placeOf(node),
    'data.keep',
    { moment, alsoHere },
    {
      text:
        sources.length === 0
          ? `${node.entry.id} has no data file to keep`
          : `keep ${sources.join(', ')} of ${node.entry.id}`,
      commands: [
        `mkdir -p -m 0700 ${word(kept)}`,
        ...sources.map((name) => `cp -pr ${word(`${directory}/${name}`)} ${word(`${kept}/`)}`),
      ],
      expect: `the copy has the same sha256 and is readable to its end${alsoHere ? '; the same copy is on this machine, too' : ''}`,
      undo: 'the copies stay until they are cleaned up',
      verify: sources.length === 0 ? 'nothing' : `sha256sum ${word(kept)}/*`,
    },
  );
}

/** Set aside, or with a possible tail: a link on the node's own disk is no second copy of what nobody else has. */
function mayHoldMore(scene: Scene, node: string): boolean {
  return scene.decision.setAside.includes(node) || scene.diagnosis.possibleTails.some((tail) => tail.node === node);
}

function filesOf(node: RedisNode): readonly string[] {
  const config = known(node.seen.config);
  const names: string[] = [];
  if (node.seen.rdb.ok) names.push(config?.dbfilename ?? 'dump.rdb');
  const aof = known(node.seen.aof);
  if (aof?.layout === 'multi') names.push(config?.appenddirname ?? 'appendonlydir');
  else if (aof && aof.files.length > 0) names.push(config?.appendfilename ?? 'appendonly.aof');
  return names;
}

/** What was kept after the stop was only linked: hashing it would have been downtime. */
export const verifyKept: Step = {
  name: 'verify-kept',
  summary: 'hash what was kept after the stop, now that the group serves',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => node.runs)
        .map((node) => {
          const kept = `${known(node.seen.config)?.dir ?? '.'}/.redis-runbook-RUN/after-stop`;
          return action(
            scene,
            placeOf(node),
            'data.verify',
            {},
            {
              text: `hash what was kept of ${node.entry.id} after its stop`,
              commands: [`find ${word(kept)} -type f -exec sha256sum {} +`],
              expect: 'every kept file has its size, and its sha256 is written down beside it',
              undo: 'nothing to undo: it only reads',
            },
          );
        }),
    ),
};

/** Keeps every config file in the host's state directory, never beside the original. */
export const keepConfigs: Step = {
  name: 'keep-configs',
  summary: 'keep every redis.conf and sentinel.conf of the group on its own host',
  parameters: { of: ['all', 'sentinels'] },
  plan: (scene, parameters) =>
    sideBySide(
      [
        ...(parameters.of === 'sentinels' ? [] : scene.redis).flatMap((node) =>
          redisFiles(scene, node).map(({ path }) => ({ node, path })),
        ),
        ...scene.sentinels.map((node) => ({ node, path: node.entry.config })),
      ].map(({ node, path }) =>
        action(
          scene,
          placeOf(node),
          'config.keep',
          { path },
          {
            text: `keep ${path} of ${node.entry.id}`,
            commands: [
              `install -d -m 0700 ${word(`${node.host.state}/RUN`)}`,
              `install -m 0600 ${word(path)} ${word(`${node.host.state}/RUN/`)}`,
            ],
            expect: 'the copy has the same sha256',
            undo: 'the copy stays until it is cleaned up',
          },
        ),
      ),
    ),
};

function isEmpty(node: RedisNode): boolean {
  return known(node.seen.running)?.keys === 0n;
}
