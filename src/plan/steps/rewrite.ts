import { idOf, twinsOf } from '../../diagnosis/sentinels.js';
import { isSame } from '../../diagnosis/strangers.js';
import type { ConfigLine } from '../../model/formats.js';
import type { FileChange, FileIntent } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import type { GroupSurvey } from '../../model/survey.js';
import { canonicalName, replicaofWord } from '../../redis/directive-names.js';
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
      scene.redis.flatMap((node) =>
        redisFiles(scene, node).map((change) => rewrite(scene, node, change, predicted(node, change))),
      ),
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
        const intent = sentinelIntent(scene, node);
        return rewrite(scene, node, { path: node.entry.config, intent }, predictedSentinel(node, intent));
      }),
    ),
};

/**
 * What every file of a node has to say: its main file, and each that it includes and that says a role. A role in an
 * include that only the main file denies would be back after a restart (seen on 7.0.15). An edit keeps the spelling of the
 * file; a new line has the one that the node's server reads.
 */
export function redisFiles(
  scene: Pick<Scene, 'master'>,
  node: RedisNode,
  master: RedisNode | undefined = scene.master,
): readonly FileChange[] {
  const config = known(node.seen.config);
  const main = node.entry.config;
  const mainAsRead = config?.files[0] ?? main;
  const saying = (config?.lines ?? [])
    .filter(({ name, file }) => canonicalName(name) === 'replicaof' && file.startsWith('/'))
    .map(({ file }) => file);
  const follows = master !== undefined && master.entry.id !== node.entry.id;
  const last = saying.at(-1) ?? mainAsRead;
  const paths = new Set([mainAsRead, ...saying]);
  return [...paths].map((path) => {
    const isMain = path === mainAsRead;
    const role = follows && path === last ? [roleOf(master, node)] : [];
    const set = [...role, ...(isMain ? authOf(node) : [])];
    return {
      path: isMain ? main : path,
      intent: { kind: 'redis.conf', set, drop: role.length > 0 ? [] : ['replicaof'] },
    };
  });
}

function roleOf(master: RedisNode, node: RedisNode): { directive: string; value: readonly string[] } {
  return { directive: roleWord(node), value: [master.entry.address, String(master.entry.port)] };
}

/** The directive and the command that give a node its master, as its server spells them. */
export function roleWord({ seen }: Pick<RedisNode, 'seen'>): 'replicaof' | 'slaveof' {
  return replicaofWord(known(seen.server)?.version);
}

/** A node with a password and no masterauth could never follow another one. */
function authOf(node: RedisNode): readonly { directive: string; value: { sameSecretAs: string } }[] {
  const config = known(node.seen.config);
  const lacks = config?.requirepassHash !== undefined && config.masterauthHash === undefined;
  return lacks ? [{ directive: 'masterauth', value: { sameSecretAs: 'requirepass' } }] : [];
}

/**
 * The same (address, epoch) for every sentinel: equal epochs with different addresses never converge. Of sentinels that
 * have one id the first keeps it; what others know under that id they hear again, within the hello period.
 */
export function sentinelIntent(scene: Scene, node: SentinelNode): Extract<FileIntent, { kind: 'sentinel.conf' }> {
  const { master } = scene;
  const twins = twinsOf(scene.group);
  const again = [...twins.values()].some(([, ...others]) => others.includes(node.entry.id));
  return {
    kind: 'sentinel.conf',
    group: scene.group.group,
    master: { host: master?.entry.address ?? '', port: master?.entry.port ?? 0 },
    epoch: scene.epoch,
    forget: [...new Set([...twins.keys(), ...goneIds(scene.group), ...idsOfIgnored(scene.group)])],
    ...(again ? { newId: true } : {}),
  };
}

/** Ids under which a file knows a sentinel that has another one by now: a ghost, which would count as a voter. */
function goneIds(group: GroupSurvey): readonly string[] {
  const now = new Map(group.sentinels.map((sentinel) => [`${sentinel.address}:${sentinel.port}`, idOf(sentinel)]));
  return group.sentinels.flatMap((sentinel) =>
    (known(sentinel.file)?.knownSentinels ?? []).flatMap(({ address, myid }) => {
      const is = now.get(address);
      return myid === undefined || is === undefined || is === myid ? [] : [myid];
    }),
  );
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
  { path, intent }: FileChange,
  diff: readonly string[] | undefined,
) {
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

/** The changed lines of a file of a redis node, as far as the survey saw it. */
export function predicted(node: RedisNode, { path, intent }: FileChange): readonly string[] | undefined {
  const config = known(node.seen.config);
  if (!config || intent.kind !== 'redis.conf') return undefined;
  const asRead = path === node.entry.config ? (config.files[0] ?? path) : path;
  return applyRedisIntent(textOf(config.lines, asRead), intent).diff;
}

function predictedSentinel(
  node: SentinelNode,
  intent: Extract<FileIntent, { kind: 'sentinel.conf' }>,
): readonly string[] | undefined {
  const file = known(node.seen.file);
  return file ? applySentinelIntent(textOf(file.lines, file.path), intent).diff : undefined;
}
