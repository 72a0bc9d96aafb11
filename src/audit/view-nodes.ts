import type { Inventory, NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { NotSeen } from '../model/seen.js';
import { type NodeVersion, versionsOf } from '../survey/node-version.js';
import { textAnswerOf } from '../survey/raw-access.js';
import { asItsUnitStarts } from './managed.js';
import { type Target, targetOf } from './target.js';

import { type FleetFacts, redisNode, sentinelNode } from './view-node.js';

/** Every node of the fleet by id. */
export function nodesSeen(inventory: Inventory, raws: readonly RawHost[], facts: FleetFacts) {
  const byName = new Map(raws.map((raw) => [raw.host, raw]));
  const rawOf = (host: string) => byName.get(host) ?? notLookedAt(host);
  const nodes = inventory.hosts.flatMap((host) =>
    host.nodes.map((node) => {
      const managed = host.service !== 'process';
      const raw = rawOf(node.host);
      return { node: managed ? asItsUnitStarts(node, raw) : node, raw, managed };
    }),
  );
  const versions = versionsOf(nodes);
  const unknown = [...versions.values()].every((version) => version.says.includes('is unknown'));
  const of = (one: (typeof nodes)[number]) => ({ ...one, target: targetFor(one.raw, one.node, versions, facts) });
  const every = nodes.map(of);
  return {
    rawOf,
    targetAssumed: !facts.forced && unknown,
    redis: new Map(
      every.filter(({ node }) => node.kind === 'redis').map((one) => [one.node.id, redisNode(one, facts)]),
    ),
    sentinels: new Map(
      every.filter(({ node }) => node.kind === 'sentinel').map((one) => [one.node.id, sentinelNode(one, facts)]),
    ),
  };
}

function targetFor(
  raw: RawHost,
  node: NodeEntry,
  versions: ReadonlyMap<string, NodeVersion>,
  facts: FleetFacts,
): Target {
  const read = versions.get(node.id);
  if (facts.forced || read === undefined || read.says.startsWith('read as 7.0.15')) return facts.target;
  const info = textAnswerOf(raw, node.id, 'INFO');
  const valkey = info.ok && /^valkey_version:/m.test(info.value);
  return targetOf(valkey ? 'valkey' : 'redis', read.version);
}

function notLookedAt(host: string): RawHost {
  const from = { host, source: 'look' };
  const missing: NotSeen = { ok: false, why: 'not-asked', detail: 'was not looked at', from, at: '' };
  return {
    host,
    address: '',
    at: '',
    elapsedMs: 0,
    reached: missing,
    clockOffsetMs: missing,
    diskFreeBytes: missing,
    processes: missing,
    files: [],
    answers: [],
  };
}
