import { byKey } from '../../by-key.js';
import { each, every, together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { bytesOf, numberOf, spotOf } from '../../settings.js';

const mebibyte = 1024n ** 2n;

export const maxmemoryTiny = defineRule({
  id: 'maxmemory-tiny',
  class: 'performance',
  severity: 'error',
  scope: 'redis',
  title: 'maxmemory is less than a megabyte',
  rationale:
    'A size without a unit is in bytes. An empty server alone uses half a megabyte, so nearly every write is refused with OOM, or keys are evicted as fast as they come. The log has one warning line at the start, and that is all.',
  source: 'server.c:main; "OOM command not allowed when used memory", seen on 7.0.15',
  fix: 'Add the unit: `maxmemory 100mb`.',
  fixtures: {
    fails: 'test/audit/fixtures/maxmemory-tiny/fails',
    nearMiss: 'test/audit/fixtures/maxmemory-tiny/near-miss',
  },
  needs: (node) => ({
    maxmemory: where(node.setting('maxmemory'), (one) => bytesOf(one, 0n) > 0n, 'maxmemory is not set'),
  }),
  check: ({ maxmemory }) =>
    bytesOf(maxmemory, 0n) >= mebibyte
      ? []
      : [
          {
            message: `maxmemory is ${bytesOf(maxmemory, 0n)} bytes: next to nothing fits, and writes are refused`,
            at: spotOf(maxmemory),
          },
        ],
});

export const maxmemoryDiffers = defineRule({
  id: 'maxmemory-differs',
  class: 'performance',
  severity: 'warning',
  scope: 'cross-node',
  title: 'the nodes of a group have different limits of memory',
  rationale:
    'A replica ignores maxmemory while it follows. Once it is promoted (a node with replica-priority 0 never is) its own limit counts: a smaller one evicts keys, or refuses writes, from the first second on.',
  source: 'evict.c:getMaxmemoryState; redis.conf, replica-ignore-maxmemory',
  fix: 'Set the same maxmemory on every node of the group.',
  fixtures: {
    fails: 'test/audit/fixtures/maxmemory-differs/fails',
    nearMiss: 'test/audit/fixtures/maxmemory-differs/near-miss',
  },
  needs: (group) => ({
    limits: each(
      group.redis.map((node) =>
        together({ limit: node.setting('maxmemory'), priority: node.setting('replica-priority') }),
      ),
      'redis nodes',
      2,
    ),
  }),
  check: ({ limits }) => {
    const masters = limits.filter(({ priority }) => numberOf(priority, 100) !== 0).map(({ limit }) => limit);
    const kinds = byKey(masters, (one) => String(bytesOf(one, 0n)));
    if (kinds.length < 2) return [];
    const [first, ...others] = [...kinds].sort((a, b) => a.length - b.length).flat();
    const says = kinds.map(([one]) => (one === undefined ? '' : sizeOf(bytesOf(one, 0n)))).sort();
    return [
      {
        message: `maxmemory differs inside the group: ${says.join(', ')}`,
        ...(first === undefined ? {} : { at: spotOf(first) }),
        beside: others.map(spotOf),
      },
    ];
  },
});

export const maxmemoryTooHigh = defineRule({
  id: 'maxmemory-too-high',
  class: 'performance',
  severity: 'error',
  scope: 'host',
  profiles: { dev: 'warning' },
  title: 'the nodes of a host may use more memory than it has to give',
  rationale:
    'While a snapshot or a rewrite of the AOF runs, every page that is written to is copied. Without room for that the machine swaps, or the kernel kills the server, and a sentinel on the same host with it.',
  source: 'rdb.c:rdbSaveBackground (fork); Redis documentation, Administration, "Memory"; total_system_memory of INFO',
  fix: 'Lower maxmemory so that all nodes of the host together stay below 75 % of its memory, 90 % where nothing is saved.',
  fixtures: {
    fails: 'test/audit/fixtures/maxmemory-too-high/fails',
    nearMiss: 'test/audit/fixtures/maxmemory-too-high/near-miss',
  },
  needs: (host) => ({
    nodes: every(
      host.redis
        .filter(({ gives }) => !gives.ok || gives.value.maxmemoryBytes > 0n)
        .map((node) => together({ info: node.info, gives: node.gives, limit: node.setting('maxmemory') })),
      'redis node with a maxmemory on this host',
    ),
  }),
  check: ({ nodes }) => {
    const totals = nodes.map(({ info }) => BigInt(/^\d+$/.exec(info.get('total_system_memory') ?? '')?.[0] ?? '0'));
    const total = totals.find((bytes) => bytes > 0n);
    if (total === undefined) throw new Error('INFO of this version does not tell the memory of the machine');
    const sum = nodes.reduce((bytes, { gives }) => bytes + gives.maxmemoryBytes, 0n);
    const saves = nodes.some(({ gives }) => gives.save.length > 0 || gives.appendonly);
    const percent = Number((sum * 100n) / total);
    if (percent <= (saves ? 75 : 90)) return [];
    const [first, ...others] = nodes.map(({ limit }) => spotOf(limit));
    return [
      {
        message: `maxmemory of the nodes of this host is ${percent} % of its memory${saves ? ', and a snapshot needs room beside it' : ''}`,
        ...(first === undefined ? {} : { at: first }),
        beside: others,
        severity: percent > 100 ? 'error' : 'warning',
      },
    ];
  },
});

function sizeOf(bytes: bigint): string {
  if (bytes === 0n) return 'no limit';
  return bytes % mebibyte === 0n ? `${bytes / mebibyte} MB` : `${bytes} bytes`;
}
