import { describe, expect, it } from 'vitest';
import { disagreements, type Heard, type Wanted } from '../../src/execute/conditions/sentinels-agree.js';

const sentinels = ['10.0.0.1:26379', '10.0.0.2:26379', '10.0.0.3:26379'];
const wanted: Wanted = {
  master: '10.0.0.1:6379',
  sentinels,
  replicas: ['10.0.0.2:6379', '10.0.0.3:6379'],
  leftOut: [],
};

/** A sentinel that has heard of everybody, five seconds after its start. */
function good(address: string): Heard {
  return {
    node: address,
    address,
    uptimeSeconds: 5,
    tilt: false,
    master: {
      name: 'm',
      master: wanted.master,
      flags: ['master'],
      configEpoch: 7n,
      quorum: 2,
      downAfterMs: 1000,
      failoverTimeoutMs: 1000,
      replicaCount: 2,
      otherSentinelCount: 2,
    },
    peers: sentinels
      .filter((other) => other !== address)
      .map((other) => ({
        address: other,
        runId: other,
        flags: ['sentinel'],
        lastHelloAgoMs: 1900,
        lastOkPingAgoMs: 400,
      })),
    replicas: wanted.replicas.map((other) => ({
      address: other,
      flags: ['slave'],
      infoAgoMs: 4000,
      masterLinkOk: true,
      masterLinkDownMs: 0,
      offset: 5n,
      priority: 100,
    })),
  };
}

function with_(change: (view: Heard) => Heard): readonly string[] {
  const [first = '', ...rest] = sentinels;
  return disagreements([change(good(first)), ...rest.map(good)], wanted);
}

function peer(view: Heard, change: Partial<Heard['peers'][number]>): Heard {
  const [first, ...rest] = view.peers;
  if (!first) throw new Error('no peer');
  return { ...view, peers: [{ ...first, ...change }, ...rest] };
}

function replica(view: Heard, change: Partial<Heard['replicas'][number]>): Heard {
  const [first, ...rest] = view.replicas;
  if (!first) throw new Error('no replica');
  return { ...view, replicas: [{ ...first, ...change }, ...rest] };
}

describe('agreement is what the sentinels heard', () => {
  it('holds when all heard all', () => {
    expect(disagreements(sentinels.map(good), wanted)).toEqual([]);
  });

  it('lets a sentinel on a host that was left out be counted on, and no other stranger', () => {
    const absent = '10.0.0.8:26379';
    const heard = sentinels.map((address) => {
      const view = good(address);
      const [first] = view.peers;
      if (!first) throw new Error('no peer');
      return { ...view, peers: [...view.peers, { ...first, address: absent, flags: ['sentinel', 's_down'] }] };
    });

    expect(disagreements(heard, { ...wanted, leftOut: [absent] })).toEqual([]);
    expect(disagreements(heard, wanted)).toHaveLength(3);
  });

  it.each<[string, RegExp, (view: Heard) => Heard]>([
    [
      'another master',
      /says that 10\.0\.0\.9:6379 is master/,
      (v) => ({ ...v, master: { ...v.master, master: '10.0.0.9:6379' } }),
    ],
    ['another epoch', /epochs differ: 8, 7/, (v) => ({ ...v, master: { ...v.master, configEpoch: 8n } })],
    [
      'a flag on the master',
      /as master,s_down/,
      (v) => ({ ...v, master: { ...v.master, flags: ['master', 's_down'] } }),
    ],
    ['TILT', /in TILT/, (v) => ({ ...v, tilt: true })],
    ['a peer it does not know', /does not know 10\.0\.0\.2:26379/, (v) => ({ ...v, peers: v.peers.slice(1) })],
    ['a ghost that counts for the majority', /counts on 10\.0\.0\.8/, (v) => peer(v, { address: '10.0.0.8:26379' })],
    ['a peer that is down', /as sentinel,s_down/, (v) => peer(v, { flags: ['sentinel', 's_down'] })],
    ['a peer known from the file only: no hello', /has not heard from/, (v) => peer(v, { lastHelloAgoMs: 4600 })],
    ['a peer known from the file only: no ping', /has not heard from/, (v) => peer(v, { lastOkPingAgoMs: 4600 })],
    ['a start a moment ago', /has not heard from/, (v) => ({ ...v, uptimeSeconds: 1 })],
    ['a replica it does not know', /does not know replica/, (v) => ({ ...v, replicas: v.replicas.slice(1) })],
    ['a replica that is none', /lists replica 10\.0\.0\.1:6379/, (v) => replica(v, { address: '10.0.0.1:6379' })],
    ['a replica that is down', /as slave,disconnected/, (v) => replica(v, { flags: ['slave', 'disconnected'] })],
    ['a replica without a link', /link of replica 10\.0\.0\.2:6379 down/, (v) => replica(v, { masterLinkOk: false })],
  ])('does not hold with %s', (_name, says, change) => {
    expect(with_(change).join('\n')).toMatch(says);
  });
});
