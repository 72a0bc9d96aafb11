import { isSame } from '../../diagnosis/strangers.js';
import type { ConfigLine } from '../../model/formats.js';
import type { FileIntent } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import type { GroupSurvey } from '../../model/survey.js';
import { applyRedisIntent } from '../../redis/edit-redis.js';
import { applySentinelIntent } from '../../redis/edit-sentinel.js';
import { word } from '../commands.js';
import { action, placeOf, type RedisNode, type Scene, type SentinelNode, type Step, sideBySide } from '../scene.js';

/** Sets the role of every redis node in its main file: the master follows nobody, the others follow it. */
export const rewriteRedis: Step = {
  name: 'rewrite-redis',
  summary: 'write the new role of every redis node into its redis.conf',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.redis.map((node) => {
        const intent = redisIntent(scene, node);
        return rewrite(scene, node, intent, predicted(node, intent));
      }),
    ),
};

/** The strip algorithm for one group in every sentinel.conf: one master, one epoch, no stale replicas. */
export const rewriteSentinels: Step = {
  name: 'rewrite-sentinels',
  summary:
    'write the new master and one epoch above all seen into every sentinel.conf, without what Sentinel generated',
  parameters: {},
  plan: (scene) =>
    sideBySide(
      scene.sentinels.map((node) => {
        const intent = sentinelIntent(scene);
        return rewrite(scene, node, intent, predictedSentinel(node, intent));
      }),
    ),
};

/** `replicaof` is understood since 5.0; the alias `slaveof` in every version. An edit keeps the spelling of the file. */
export function redisIntent(scene: Scene, node: RedisNode): Extract<FileIntent, { kind: 'redis.conf' }> {
  const { master } = scene;
  const config = known(node.seen.config);
  const auth =
    config?.requirepassHash !== undefined && config.masterauthHash === undefined
      ? [{ directive: 'masterauth', value: { sameSecretAs: 'requirepass' } }]
      : [];
  if (node.isMaster || !master) return { kind: 'redis.conf', set: auth, drop: ['replicaof'] };
  const role = { directive: 'replicaof', value: [master.entry.address, String(master.entry.port)] };
  return { kind: 'redis.conf', set: [role, ...auth], drop: [] };
}

/** The same (address, epoch) for every sentinel: equal epochs with different addresses never converge. */
export function sentinelIntent(scene: Scene): Extract<FileIntent, { kind: 'sentinel.conf' }> {
  const { master } = scene;
  return {
    kind: 'sentinel.conf',
    group: scene.group.group,
    master: { host: master?.entry.address ?? '', port: master?.entry.port ?? 0 },
    epoch: scene.epoch,
    forget: idsOfIgnored(scene.group),
  };
}

/** A sentinel that fleet.yaml names as gone for good would count as a voter for ever, and nobody could prove agreement. */
function idsOfIgnored(group: GroupSurvey): readonly string[] {
  const rows = group.sentinels.flatMap((sentinel) => known(sentinel.file)?.knownSentinels ?? []);
  const gone = rows.filter((row) => group.ignored?.some((each) => isSame(each, row.address)));
  return [...new Set(gone.flatMap((row) => row.myid ?? []))];
}

function rewrite(
  scene: Scene,
  node: RedisNode | SentinelNode,
  intent: FileIntent,
  diff: readonly string[] | undefined,
) {
  const path = node.entry.config;
  const none = diff !== undefined && diff.length === 0;
  return action(
    scene,
    placeOf(node),
    'config.rewrite',
    { path, intent },
    {
      text: none ? `${path} of ${node.entry.id} needs no change` : `rewrite ${path} of ${node.entry.id}`,
      commands: none ? [] : [`\${EDITOR:-vi} ${word(path)}   # make exactly the changes of the diff`],
      ...(diff === undefined ? {} : { diff }),
      expect: 'only the lines of the diff differ; owner and mode as before',
      undo: 'the kept file is put back, byte for byte',
      verify: `diff ${word(`${node.host.state}/RUN/`)}${word(path.slice(path.lastIndexOf('/') + 1))} ${word(path)}`,
    },
  );
}

function textOf(lines: readonly ConfigLine[], file: string): string {
  return lines
    .filter((line) => line.file === file)
    .map((line) => `${line.raw}\n`)
    .join('');
}

function predicted(
  node: RedisNode,
  intent: Extract<FileIntent, { kind: 'redis.conf' }>,
): readonly string[] | undefined {
  const config = known(node.seen.config);
  return config ? applyRedisIntent(textOf(config.lines, config.files[0] ?? node.entry.config), intent).diff : undefined;
}

function predictedSentinel(
  node: SentinelNode,
  intent: Extract<FileIntent, { kind: 'sentinel.conf' }>,
): readonly string[] | undefined {
  const file = known(node.seen.file);
  return file ? applySentinelIntent(textOf(file.lines, file.path), intent).diff : undefined;
}
