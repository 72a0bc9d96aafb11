import { configFacts } from '../../src/discover/config-facts.js';
import type { ConfigFacts, MachineFound, Visit } from '../../src/model/found.js';

/** The facts of a config text; throws where it is none. */
export function facts(path: string, ...lines: readonly string[]): ConfigFacts {
  const found = configFacts(path, new Map([[path, lines.join('\n')]]));
  if (found === undefined) throw new Error(`${path} is no config`);
  return found;
}

/** A sentinel.conf that has run, with what Sentinel adds to it. */
export function sentinelConf(
  group: string,
  master: string,
  replicas: readonly string[],
  sentinels: readonly string[],
  path = '/etc/redis/sentinel.conf',
): ConfigFacts {
  return facts(
    path,
    'port 26379',
    `sentinel monitor ${group} ${master} 6379 2`,
    `sentinel myid ${'a'.repeat(40)}`,
    ...replicas.map((address) => `sentinel known-replica ${group} ${address} 6379`),
    ...sentinels.map((address) => `sentinel known-sentinel ${group} ${address} 26379 ${'b'.repeat(40)}`),
  );
}

export function redisConf(master?: string, path = '/etc/redis/redis.conf'): ConfigFacts {
  return facts(path, 'port 6379', 'appendonly no', ...(master === undefined ? [] : [`replicaof ${master} 6379`]));
}

export function machine(configs: readonly ConfigFacts[], more: Partial<MachineFound> = {}): MachineFound {
  return { name: 'host', addresses: [], units: [], processes: [], unread: [], become: 'sudo', configs, ...more };
}

export function visited(address: string, found: MachineFound, more: Partial<Visit> = {}): Visit {
  const seen = {
    ok: true,
    value: found,
    from: { host: address, source: 'visit' },
    at: '2026-11-22T03:00:00.000Z',
  } as const;
  return { name: address, address, transport: 'ssh', isNamed: false, seen, ...more };
}

export function dark(address: string, detail: string): Visit {
  const seen = {
    ok: false,
    why: 'refused',
    detail,
    from: { host: address, source: 'visit' },
    at: '2026-11-22T03:00:00.000Z',
  } as const;
  return { name: address, address, transport: 'ssh', isNamed: false, seen };
}

const [a, b, c] = ['10.0.10.1', '10.0.10.2', '10.0.10.3'] as const;

/** Three machines with a redis and a sentinel each, all dead; `10.0.10.1` was named as pv1 and was the master. */
export function deadFleet(): readonly Visit[] {
  return [
    visited(a, machine([redisConf(), sentinelConf('shop', a, [b, c], [b, c])], { addresses: [a] }), {
      name: 'pv1',
      isNamed: true,
    }),
    visited(b, machine([redisConf(a), sentinelConf('shop', a, [b, c], [a, c])], { addresses: [b] })),
    visited(c, machine([redisConf(a), sentinelConf('shop', a, [b, c], [a, b])], { addresses: [c] })),
  ];
}
