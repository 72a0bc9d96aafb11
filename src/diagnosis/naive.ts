import type { Naive } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { isChoosable } from '../redis/sentinel-answers.js';
import { orderOf } from './failover.js';
import { lastElected } from './sentinels.js';
import { addressOf } from './state.js';

/** What the rules of thumb would have picked. Shown beside the verdict, never used for it. */
export function naiveRules(group: GroupSurvey): readonly Naive[] {
  const elected = lastElected(group)?.address;
  return [
    pick('largest AOF', group, (node) => aofBytes(node)),
    pick('newest file', group, (node) => newestFileMs(node)),
    pick('highest offset', group, (node) => known(node.running)?.offset ?? known(node.rdb)?.offset),
    named("Sentinel's own order", sentinelsChoice(group)),
    named('highest config-epoch', group.redis.find((node) => addressOf(node) === elected)?.node),
  ];
}

function named(rule: Naive['rule'], node: string | undefined): Naive {
  return node === undefined ? { rule } : { rule, node };
}

function pick(
  rule: Naive['rule'],
  group: GroupSurvey,
  measure: (node: RedisSurvey) => bigint | number | undefined,
): Naive {
  let best: { readonly node: string; readonly value: bigint | number } | undefined;
  for (const node of group.redis) {
    const value = measure(node);
    if (value !== undefined && (best === undefined || value > best.value)) best = { node: node.node, value };
  }
  return named(rule, best?.node);
}

function aofBytes(node: RedisSurvey): bigint | undefined {
  const files = known(node.aof)?.files;
  return files?.reduce((sum, file) => sum + file.sizeBytes, 0n);
}

function newestFileMs(node: RedisSurvey): number | undefined {
  const times = (known(node.aof)?.files ?? []).map((file) => file.mtimeMs);
  const rdb = known(node.rdbStat)?.mtimeMs;
  if (rdb !== undefined) times.push(rdb);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Whom a sentinel that sees its master down would promote among the replicas that it could choose. */
function sentinelsChoice(group: GroupSurvey): string | undefined {
  const running = group.redis.filter((node) => node.running.ok);
  const views = group.sentinels.flatMap((sentinel) => known(sentinel.view) ?? []);
  const down = views.filter(({ flags }) => flags.includes('s_down'));
  const [view] = down.sort((a, b) => (a.configEpoch < b.configEpoch ? 1 : -1));
  return view && orderOf(view.replicas.filter(isChoosable), running)[0]?.node;
}
