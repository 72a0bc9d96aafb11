import type { FileChange } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { word } from '../commands.js';
import { action, placeOf, type RedisNode, type Scene, type SentinelNode, type Step, sideBySide } from '../scene.js';
import { redisFiles, roleWord, sentinelIntent } from './rewrite.js';

/** Reads every file back, compares it with the plan, and lets the server's own parser try a copy that touches nothing. */
export const checkConfigs: Step = {
  name: 'check-configs',
  summary: 'read every config file back, compare with the plan, try a copy on the real parser',
  parameters: { of: ['all', 'sentinels'] },
  plan: (scene, parameters) =>
    sideBySide([
      ...(parameters.of === 'sentinels' ? [] : scene.redis).flatMap((node) =>
        redisFiles(scene, node).map((change) => check(scene, node, change)),
      ),
      ...scene.sentinels.map((node) =>
        check(scene, node, { path: node.entry.config, intent: sentinelIntent(scene, node) }),
      ),
    ]),
};

/** What each node would load, from the files that it will find. */
export const checkData: Step = {
  name: 'check-data',
  summary: 'prove what each redis node would load before any of them starts',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis
        .filter((node) => !node.isLeftOut && (scene.path === 'cold' || !node.runs))
        .map((node) => {
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
              commands: [dataCheckOf(node)],
              expect: expected === undefined ? 'its files are readable to their end' : `${expected} keys`,
              undo: 'nothing to undo: it only reads',
            },
          );
        }),
    ),
};

function check(scene: Scene, node: RedisNode | SentinelNode, { path, intent }: FileChange) {
  return action(
    scene,
    placeOf(node),
    'config.check',
    { path, intent },
    {
      text: `read ${path} back and try a copy of it`,
      commands:
        'isMaster' in node
          ? trialOf(path, roleWord(node))
          : [`grep -n '^sentinel ' ${word(path)}   # compare with the plan`],
      expect: 'as planned, and the server accepts it',
      undo: 'nothing to undo: it only reads',
    },
  );
}

/** By hand: a copy of the config in an empty directory that listens on a socket of its own and follows nobody. */
function trialOf(path: string, role: 'replicaof' | 'slaveof'): readonly string[] {
  const off = `--port 0 --unixsocket "$d/s" --dir "$d" --pidfile "$d/pid" --logfile ''`;
  return [
    `d=$(mktemp -d) && cp ${word(path)} "$d/copy.conf"`,
    `timeout 2 redis-server "$d/copy.conf" ${off} --daemonize no --${role} no one --appendonly no; echo $?   # 124 or 0: it is accepted`,
  ];
}

/** The checker for what a start would load. Without --fix: it only reads. */
function dataCheckOf(node: RedisNode): string {
  const config = known(node.seen.config);
  const directory = config?.dir ?? '.';
  if (!config?.appendonly) return `redis-check-rdb ${word(`${directory}/${config?.dbfilename ?? 'dump.rdb'}`)}`;
  const name = config.appendfilename;
  const multi = known(node.seen.aof)?.layout === 'multi';
  return `redis-check-aof ${word(multi ? `${directory}/${config.appenddirname}/${name}.manifest` : `${directory}/${name}`)}`;
}

/** Known before the stop only where a file or a running node was counted; an AOF is counted when it is checked. */
function expectedKeys(scene: Scene, node: RedisNode): bigint | undefined {
  const candidate = scene.diagnosis.candidates.find((item) => item.node === node.entry.id);
  if (candidate?.source === 'rdb' && known(node.seen.rdb)?.keysExact !== true) return undefined;
  return candidate?.wouldLoadKeys;
}
