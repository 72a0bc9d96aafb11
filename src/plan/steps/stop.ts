import type { Batch, StopMode, Weighed } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { cli, stopCommand } from '../commands.js';
import { action, condition, placeOf, type RedisNode, type Scene, type Step, sideBySide } from '../scene.js';
import { weighedAt } from '../weighed.js';

const STOP_LIMIT_MS = 300_000;
/** What a busy disk writes at least: a final save of a large dataset takes longer than five minutes. */
const SAVE_BYTES_PER_SECOND = 10_000_000;

/**
 * Stops every redis node: the old master first (7.0 and later wait until its replicas have all of its writes), then the
 * others. Good data is saved by the stop; a suspect dataset must not overwrite the file that it found.
 */
export const stopRedis: Step = {
  name: 'stop-redis',
  summary: 'stop every redis node, the running master first; save good data, never suspect data',
  parameters: {},
  plan: (scene) => {
    const masters = scene.redis.filter((node) => node.runs && known(node.seen.running)?.role === 'master');
    const others = scene.redis.filter((node) => !masters.includes(node));
    return [...stopThese(scene, masters), ...stopThese(scene, others)];
  },
};

function stopThese(scene: Scene, nodes: readonly RedisNode[]): readonly Batch[] {
  if (nodes.length === 0) return [];
  return sideBySide(
    nodes.map((node) => stop(scene, node)),
    [
      condition(
        scene,
        'stopped',
        limitOf(nodes),
        `Redis is stopped on ${nodes.map((node) => node.entry.id).join(', ')}`,
        {
          nodes: nodes.map((node) => node.entry.id),
        },
      ),
    ],
  );
}

function limitOf(nodes: readonly RedisNode[]): number {
  const bytes = nodes.map((node) => Number(known(node.seen.rdbStat)?.sizeBytes ?? 0n));
  return STOP_LIMIT_MS + Math.ceil(Math.max(...bytes) / SAVE_BYTES_PER_SECOND) * 1000;
}

function stop(scene: Scene, node: RedisNode) {
  const mode = modeOf(node);
  const pid = node.seen.process.ok ? node.seen.process.value?.pid : undefined;
  const commands = [stopCommand(node.host, node.entry, pid)];
  if (mode === 'without-saving') commands.unshift(cli(node.entry, 'CONFIG', 'SET', 'save', ''));
  const texts: Readonly<Record<StopMode, string>> = {
    save: `stop ${node.entry.id}, saving its data`,
    'without-saving': `stop ${node.entry.id} without saving: what it holds is suspect, its file is kept`,
    'already-stopped': `${node.entry.id} is stopped: proved again`,
  };
  return action(
    scene,
    placeOf(node),
    'service.stop',
    { mode, ...sideMaster(scene, node) },
    {
      text: texts[mode],
      commands,
      expect: 'its process is gone and its port is closed',
      undo: mode === 'already-stopped' ? 'nothing to undo' : 'it is started again',
      ...(mode === 'already-stopped' ? {} : { hazard: 'the service is down from here until START' }),
    },
  );
}

/**
 * It says that it is master beside the one that goes on serving: what it took since the look would be thrown away. Not asked
 * where its own writes are set aside by name.
 */
function sideMaster({ master, redis, decision }: Scene, node: RedisNode): { readonly notBeyond?: Weighed } {
  const running = known(node.seen.running);
  const serves = master !== undefined && !redis.includes(master);
  if (!serves || running?.role !== 'master' || decision.setAside.includes(node.entry.id)) return {};
  return { notBeyond: weighedAt(running) };
}

function modeOf(node: RedisNode): StopMode {
  if (!node.runs) return 'already-stopped';
  return known(node.seen.running)?.keys === 0n ? 'without-saving' : 'save';
}
