import type { NotSeen, Seen } from '../../../model/seen.js';
import { addressOf, isKnownReplica } from '../../../redis/sentinel-conf.js';
import { each, every, type Need } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { GroupView, RedisNode, SentinelConf } from '../../view.js';
import { type Finder, finderOf, isNumeric, knownReplicas, monitorOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { knownSentinels, myidOf } from './sentinel-count.js';

const since32 = { redis: { from: '3.2' }, valkey: {} } as const;

export const sentinelKnowsItself = defineRule({
  id: 'sentinel-knows-itself',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  versions: since32,
  title: 'a sentinel lists itself among the others',
  rationale:
    'A known-sentinel line with the own id is accepted and counted as another sentinel. It never votes, so one more real sentinel is needed for the majority.',
  source: 'sentinel.c:sentinelHandleConfiguration; INFO shows sentinels=2 with one, seen on 7.0.15',
  fix: 'Stop the sentinel, delete the line, start it.',
  fixtures: fixturesOf('sentinel-knows-itself'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) => {
    const own = myidOf(conf);
    return conf.statements
      .filter(({ sub, words }) => sub === 'known-sentinel' && own !== undefined && words[2] === own)
      .map(({ group, line }) => ({
        message: `it lists itself among the other sentinels of ${group ?? ''}: one voter too many is counted`,
        at: { node: conf.node, line },
        changes: [{ node: conf.node, line, now: undefined }],
      }));
  },
});

/** Only where fleet.yaml says which sentinels there are can an id be one too many. */
function declaredConfs(group: GroupView): Need<readonly SentinelConf[]> {
  const files: Seen<SentinelConf>[] = group.sentinels.map(({ conf }) => conf);
  const [first] = files;
  if (group.declared || first === undefined) return every(files, 'sentinel');
  const detail = 'which nodes there are is not declared: give --fleet';
  const gap: NotSeen = { ok: false, why: 'not-asked', detail, from: first.from, at: first.at };
  return every([gap], 'sentinel');
}

export const sentinelStaleKnownEntries = defineRule({
  id: 'sentinel-stale-known-entries',
  class: 'failover',
  severity: 'warning',
  scope: 'cross-node',
  versions: since32,
  title: 'a sentinel knows nodes that the fleet does not have',
  rationale:
    'Sentinels never forget. A sentinel that is gone still counts in the majority that a failover needs; a replica that is no node of the fleet is asked, and may be chosen.',
  source:
    'redis.io, "High availability with Redis Sentinel": Adding or removing Sentinels; CKQUORUM NOQUORUM, seen on 7.0.15',
  fix: 'With the master up and all sentinels running, SENTINEL RESET NAME on each of them, 30 s apart; or add the node to fleet.yaml.',
  fixtures: fixturesOf('sentinel-stale-known-entries'),
  needs: (group) => ({
    sentinels: declaredConfs(group),
    redis: every(
      group.redis.map((node) => node.texts),
      'redis node',
    ),
    declared: declaredNodes(group),
  }),
  check: ({ sentinels, declared }, { name }) => {
    const ids = new Set(sentinels.map(myidOf));
    const complete = sentinels.every((conf) => myidOf(conf) !== undefined);
    return sentinels.flatMap((conf) => [
      ...(complete ? ghosts(conf, name, ids) : []),
      ...strangers(conf, name, declared),
    ]);
  },
});

function ghosts(conf: SentinelConf, group: string, ids: ReadonlySet<string | undefined>): readonly Problem[] {
  return knownSentinels(conf, group)
    .filter(({ id }) => id !== undefined && !ids.has(id))
    .map(({ address, line }) => ({
      message: `it knows a sentinel at ${address} that the fleet does not have: it counts in the majority and never votes`,
      at: { node: conf.node, line },
      changes: [{ node: conf.node, line, now: undefined }],
    }));
}

/** Said only when the sentinel knows every node of the fleet: else the stranger may be one of them by another address. */
function strangers(conf: SentinelConf, group: string, declared: Declared): readonly Problem[] {
  const monitor = monitorOf(conf, group);
  const met = new Set([monitor?.address ?? '', ...knownReplicas(conf, group)].map((address) => declared.find(address)));
  if (declared.nodes.some((node) => !met.has(node))) return [];
  return conf.statements.flatMap((one) => {
    if (one.group !== group || !isKnownReplica(one) || !isNumeric(one.words[0] ?? '')) return [];
    const address = addressOf(one.words[0], one.words[1]);
    if (declared.find(address) !== undefined) return [];
    return [
      {
        message: `it knows a replica at ${address} that the fleet does not have: it is counted among the candidates of a failover`,
        at: { node: conf.node, line: one.line },
        changes: [{ node: conf.node, line: one.line, now: undefined }],
      },
    ];
  });
}

interface Declared {
  readonly nodes: readonly RedisNode[];
  readonly find: Finder;
}

function declaredNodes(group: GroupView): Seen<Declared> {
  const value = { nodes: group.redis, find: finderOf(group) };
  return { ok: true, value, from: { host: group.name, source: 'fleet.yaml' }, at: '' };
}

/** A file that has no id of its own was never started: it knows nobody yet. */
export const sentinelMutualKnowledge = defineRule({
  id: 'sentinel-mutual-knowledge',
  class: 'failover',
  severity: 'warning',
  scope: 'cross-node',
  versions: since32,
  title: 'one sentinel knows another that does not know it',
  rationale:
    'Sentinels find each other through the master. Where one does not know another, its messages do not arrive: it is not counted and not asked, and the two come to different majorities.',
  source: 'sentinel.c:sentinelProcessHelloMessage; redis.io, "High availability with Redis Sentinel"',
  fix: 'See that both announce an address at which they are reached (announce-ip, bind, firewall); then SENTINEL RESET NAME on the one that knows too much.',
  fixtures: fixturesOf('sentinel-mutual-knowledge'),
  needs: (group) => ({
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinels',
      2,
    ),
  }),
  check: ({ sentinels }, { name }) => {
    const started = sentinels
      .filter((conf) => myidOf(conf) !== undefined)
      .map((conf) => ({ conf, id: myidOf(conf), knows: knownSentinels(conf, name) }))
      .map((one) => ({ ...one, ids: new Set(one.knows.map(({ id }) => id)) }));
    const byId = new Map(started.map((one) => [one.id, one]));
    return started.flatMap(({ conf, id: own, knows }) =>
      knows.flatMap(({ id, line }) => {
        const other = byId.get(id);
        if (other === undefined || id === own || other.ids.has(own)) return [];
        const monitor = monitorOf(other.conf, name);
        const [a, b] = [conf.node.id, other.conf.node.id];
        return [
          {
            message: `${a} knows ${b}, and ${b} does not know ${a}: they count different majorities`,
            at: { node: conf.node, line },
            beside: monitor === undefined ? [] : [spotOf(monitor)],
          },
        ];
      }),
    );
  },
});
