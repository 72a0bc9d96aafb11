import type { RedisNode, Scene } from '../scene.js';

/** The nodes that become replicas, worst data first: while one copies in full, the best data is still there twice. */
export function secondBestLast(scene: Scene): readonly RedisNode[] {
  const order = scene.diagnosis.candidates.map((candidate) => candidate.node);
  return scene.redis
    .filter((node) => !node.isMaster && !node.isLeftOut)
    .sort((a, b) => order.indexOf(b.entry.id) - order.indexOf(a.entry.id));
}
