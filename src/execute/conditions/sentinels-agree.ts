import type { Condition } from '../../model/plan.js';
import type { SentinelPeer, SentinelReplica } from '../../model/survey.js';
import type { SentinelMasterAnswer } from '../../redis/info.js';
import {
  parseInfoSentinel,
  parseSentinelMaster,
  parseSentinelReplicas,
  parseSentinelSentinels,
} from '../../redis/info.js';
import { addressOf, answerOf, withReader } from '../node.js';
import type { At, ConditionModule } from '../tools.js';

type Agree = Extract<Condition, { kind: 'sentinels-agree' }>;

/** What one sentinel has heard, on one connection. */
export interface Heard {
  readonly node: string;
  readonly address: string;
  readonly uptimeSeconds: number;
  readonly tilt: boolean;
  readonly master: SentinelMasterAnswer;
  readonly peers: readonly SentinelPeer[];
  readonly replicas: readonly SentinelReplica[];
}

/** What all sentinels must have heard: addresses `host:port`. */
export interface Wanted {
  readonly master: string;
  readonly sentinels: readonly string[];
  readonly replicas: readonly string[];
  /** Nodes on hosts that the plan left out: sentinels still count on them, and nothing is asked of their rows. */
  readonly leftOut: readonly string[];
}

/**
 * Agreement, proved by what each listed sentinel *heard* since it started, not by what its file says: one of five
 * sentinels started alone answers CKQUORUM with `OK 5 usable Sentinels` for all of down-after (seen on 7.0.15).
 */
export const sentinelsAgree: ConditionModule<'sentinels-agree'> = {
  see: async (condition, at) => {
    const wanted: Wanted = {
      master: addressOf(at, condition.master),
      sentinels: condition.sentinels.map((node) => addressOf(at, node)),
      replicas: condition.replicas.map((node) => addressOf(at, node)),
      leftOut: addressesLeftOut(at),
    };
    const views = await Promise.all(condition.sentinels.map((node) => hear(condition, node, at)));
    const silent = views.filter((view) => typeof view === 'string');
    const heard = views.filter((view) => typeof view !== 'string');
    const wrong = [...silent, ...disagreements(heard, wanted)];
    const epoch = heard[0]?.master.configEpoch;
    return wrong.length === 0
      ? {
          holds: true,
          seen: `${heard.length} sentinels: master ${wanted.master}, epoch ${epoch}, all heard of each other`,
        }
      : {
          holds: false,
          seen: wrong.slice(0, 3).join('; ') + (wrong.length > 3 ? `; and ${wrong.length - 3} more` : ''),
        };
  },
};

function addressesLeftOut(at: At): readonly string[] {
  const leftOut = [...at.plan.leftOut, ...[...at.memory.gone.keys()].map((host) => ({ host, node: undefined }))];
  return at.tools.inventory.hosts.flatMap((host) =>
    host.nodes
      .filter(({ id }) => leftOut.some((left) => left.host === host.name && [undefined, id].includes(left.node)))
      .map((node) => `${node.address}:${node.port}`),
  );
}

async function hear(condition: Agree, node: string, at: At): Promise<Heard | string> {
  try {
    return await withReader(at, node, async (reader) => {
      const info = parseInfoSentinel(String(await answerOf(reader, 'INFO')));
      const { group } = condition;
      return {
        node,
        address: addressOf(at, node),
        uptimeSeconds: info.uptimeSeconds,
        tilt: info.tilt,
        master: parseSentinelMaster(await answerOf(reader, 'SENTINEL MASTER', group)),
        peers: parseSentinelSentinels(await answerOf(reader, 'SENTINEL SENTINELS', group)),
        replicas: parseSentinelReplicas(
          await answerOf(reader, 'SENTINEL REPLICAS', group).catch(() => answerOf(reader, 'SENTINEL SLAVES', group)),
        ),
      };
    });
  } catch (error) {
    return `${node}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Everything that speaks against agreement; empty when all have heard all the same. */
export function disagreements(heard: readonly Heard[], wanted: Wanted): readonly string[] {
  const epochs = new Set(heard.map((view) => view.master.configEpoch));
  const split = epochs.size > 1 ? [`epochs differ: ${[...epochs].join(', ')}`] : [];
  return [...split, ...heard.flatMap((view) => problemsOf(view, wanted).map((problem) => `${view.node}: ${problem}`))];
}

function problemsOf(view: Heard, wanted: Wanted): readonly string[] {
  const { master } = view;
  const problems: string[] = [];
  if (view.tilt) problems.push('in TILT');
  if (master.master !== wanted.master) problems.push(`says that ${master.master} is master`);
  if (!isExactly(master.flags, 'master')) problems.push(`sees the master as ${master.flags.join(',')}`);
  // Both ends of uptime_in_seconds are cut to seconds, so the process may be up to a second younger than it says; a row
  // that was never heard from counts from the start of the process (sentinel.c:createSentinelRedisInstance).
  const sinceStartMs = (view.uptimeSeconds - 1) * 1000;
  problems.push(...peerProblems(view, wanted, sinceStartMs), ...replicaProblems(view, wanted));
  return problems;
}

function peerProblems(view: Heard, wanted: Wanted, sinceStartMs: number): readonly string[] {
  const others = wanted.sentinels.filter((address) => address !== view.address);
  const known = new Map(view.peers.map((peer) => [peer.address, peer]));
  const missing = others.filter((address) => !known.has(address)).map((address) => `does not know ${address}`);
  const extra = view.peers
    .filter((peer) => !others.includes(peer.address) && !wanted.leftOut.includes(peer.address))
    .map((peer) => `counts on ${peer.address} too`);
  const unheard = others.flatMap((address) => {
    const peer = known.get(address);
    if (!peer) return [];
    if (!isExactly(peer.flags, 'sentinel')) return [`sees ${address} as ${peer.flags.join(',')}`];
    const heard = peer.lastHelloAgoMs < sinceStartMs && peer.lastOkPingAgoMs < sinceStartMs;
    return heard ? [] : [`has not heard from ${address} since it started`];
  });
  return [...missing, ...extra, ...unheard];
}

function replicaProblems(view: Heard, wanted: Wanted): readonly string[] {
  const known = new Map(view.replicas.map((replica) => [replica.address, replica]));
  const missing = wanted.replicas
    .filter((address) => !known.has(address))
    .map((address) => `does not know replica ${address}`);
  const extra = view.replicas
    .filter(({ address }) => !wanted.replicas.includes(address) && !wanted.leftOut.includes(address))
    .map((replica) => `lists replica ${replica.address}, which is none`);
  const bad = wanted.replicas.flatMap((address) => {
    const replica = known.get(address);
    if (!replica) return [];
    if (!isExactly(replica.flags, 'slave')) return [`sees replica ${address} as ${replica.flags.join(',')}`];
    // A link status comes with INFO only, and INFO is in no file: `ok` was heard by this very process.
    return replica.masterLinkOk ? [] : [`sees the link of replica ${address} down`];
  });
  return [...missing, ...extra, ...bad];
}

function isExactly(flags: readonly string[], only: string): boolean {
  return flags.length === 1 && flags[0] === only;
}
