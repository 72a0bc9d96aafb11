import { known } from '../../model/seen.js';
import { word } from '../commands.js';
import { action, placeOf, type RedisNode, type Scene, type SentinelNode, type Step, sideBySide } from '../scene.js';
import { redisIntent, sentinelIntent } from './rewrite.js';

/** Reads every file back, compares it with the plan, and lets the server's own parser try a copy that touches nothing. */
export const checkConfigs: Step = {
  name: 'check-configs',
  summary: 'read every config file back, compare with the plan, try a copy on the real parser',
  parameters: {},
  plan: (scene) =>
    sideBySide([
      ...scene.redis.map((node) => check(scene, node, redisIntent(scene, node))),
      ...scene.sentinels.map((node) => check(scene, node, sentinelIntent(scene))),
    ]),
};

/** What each node would load, from the files that it will find. */
export const checkData: Step = {
  name: 'check-data',
  summary: 'prove what each redis node would load before any of them starts',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis.map((node) => {
        const expected = node.isMaster ? expectedKeys(scene, node) : undefined;
        return action(
          scene,
          placeOf(node),
          'data.check',
          { as: node.isMaster ? 'master' : 'replica', ...(expected === undefined ? {} : { expectedKeys: expected }) },
          {
            text: node.isMaster
              ? `prove what ${node.entry.id} would load`
              : `${node.entry.id} would start as a replica`,
            commands: [
              `redis-check-rdb ${word(`${known(node.seen.config)?.dir ?? '.'}/${known(node.seen.config)?.dbfilename ?? 'dump.rdb'}`)}`,
            ],
            expect: expected === undefined ? 'its files are readable to their end' : `${expected} keys`,
            undo: 'nothing to undo: it only reads',
          },
        );
      }),
    ),
};

function check(
  scene: Scene,
  node: RedisNode | SentinelNode,
  intent: ReturnType<typeof redisIntent> | ReturnType<typeof sentinelIntent>,
) {
  const path = node.entry.config;
  return action(
    scene,
    placeOf(node),
    'config.check',
    { path, intent },
    {
      text: `read ${path} back and try a copy of it`,
      commands: [
        `${word(node.entry.start[0] ?? 'redis-server')} COPY --port 0   # a copy that listens nowhere, in an empty directory`,
      ],
      expect: 'as planned, and the server accepts it',
      undo: 'nothing to undo: it only reads',
    },
  );
}

/** Known before the stop only where a file or a running node was counted; an AOF is counted when it is checked. */
function expectedKeys(scene: Scene, node: RedisNode): bigint | undefined {
  const candidate = scene.diagnosis.candidates.find((item) => item.node === node.entry.id);
  if (candidate?.source === 'rdb' && known(node.seen.rdb)?.keysExact !== true) return undefined;
  return candidate?.wouldLoadKeys;
}
