import { copied, madeHistory, promoted, started, stoppedWhole, wentOn } from './log-lines.js';
import type { Night, NodeNow } from './night.js';
import { addressOf, id } from './places.js';
import type { SentinelNow } from './sentinel-texts.js';

const of = (host: string) => `replicaof ${addressOf(host)} 6379`;
const [A, B] = [id('A'), id('B')];
const v = '7.0.15';
const wonderful = 1_000_000_000_000;
const made = [...started('08:00:00', v, 'M'), ...madeHistory('08:00:01', 'A', 'pv2')];
const followed = [...started('08:00:00', v, 'S'), ...copied('08:00:02', 'pv1', 'A', 0)];
const stopped = (offset: number): NodeNow => ({
  conf: [of('pv1')],
  rdb: { version: 10, replid: A, offset, keys: Math.min(9, Math.ceil(offset / 100)), at: '11:00:01' },
  log: [...followed, ...stoppedWhole('11:00:01', 'S')],
});
const running = (offset: number): NodeNow => ({
  conf: [of('pv1')],
  info: { role: 'replica', of: addressOf('pv1'), replid: A, offset, keys: 9 },
  log: followed,
});
const live = (master: string, epoch: number, hosts: readonly string[], rows: SentinelNow['replicas']) =>
  Object.fromEntries(
    hosts.map((host) => [
      host,
      {
        master,
        epoch,
        runs: true as const,
        flags: 'master,s_down,o_down',
        replicas: rows ?? [],
        peers: hosts.filter((other) => other !== host),
      },
    ]),
  );
const deadMaster: NodeNow = {
  rdb: { version: 10, replid: A, offset: 500, keys: 5, at: '10:00:00' },
  log: made,
};
const never = 'nobody else bears out what pv3 says of itself';

/** What sentinels and nodes say, where the one or the other is wrong or lies. */
export const words: readonly Night[] = [
  {
    name: 'a sentinel file from an old backup has the highest epoch and names an old replica',
    source:
      'fact: a stale sentinel with a higher epoch wins within two seconds [7.0.15: config-epoch 7 from an old file]',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [...made, ...stoppedWhole('11:00:00', 'M')],
      },
      pv2: stopped(900),
      pv3: { ...stopped(600), rdb: { version: 10, replid: A, offset: 600, keys: 6, at: '10:00:01' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 2 }, pv2: { master: 'pv1', epoch: 2 }, pv3: { master: 'pv3', epoch: 7 } },
    right: {
      winners: ['pv1', 'pv2'],
      mayRefuse: 'by that file pv3 served after the others, and nothing shows where that ended',
      why: 'an epoch says who was elected by somebody once, not who has the data',
    },
  },
  {
    name: 'two sentinels at the same epoch name two masters, and replication is sound',
    source: 'https://github.com/redis/redis/issues/1394',
    server: v,
    nodes: {
      pv1: {
        info: {
          role: 'master',
          replid: A,
          offset: 900,
          keys: 9,
          replicas: [
            { of: addressOf('pv2'), offset: 900 },
            { of: addressOf('pv3'), offset: 900 },
          ],
        },
        log: made,
      },
      pv2: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, replid: A, offset: 900, keys: 9 },
        log: followed,
      },
      pv3: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, replid: A, offset: 900, keys: 9 },
        log: followed,
      },
    },
    sentinels: {
      pv1: {
        master: 'pv1',
        epoch: 5,
        runs: true,
        replicas: [
          { on: 'pv2', offset: 900 },
          { on: 'pv3', offset: 900 },
        ],
        peers: ['pv2', 'pv3'],
      },
      pv2: {
        master: 'pv2',
        epoch: 5,
        runs: true,
        flags: 'master',
        replicas: [
          { on: 'pv1', offset: 900 },
          { on: 'pv3', offset: 900 },
        ],
        peers: ['pv1', 'pv3'],
      },
      pv3: {
        master: 'pv1',
        epoch: 5,
        runs: true,
        replicas: [
          { on: 'pv2', offset: 900 },
          { on: 'pv3', offset: 900 },
        ],
        peers: ['pv1', 'pv2'],
      },
    },
    right: {
      winners: ['pv1', 'pv2', 'pv3'],
      why: 'pv1 serves and all have all of it: only the sentinels have to be told',
    },
  },
  {
    name: 'Sentinel would take the replica with the better priority, which is behind',
    source: 'fact: sentinelSelectSlave sorts by priority before the offset',
    server: v,
    nodes: {
      pv1: {},
      pv2: running(900),
      pv3: { ...running(600), conf: [of('pv1'), 'replica-priority 10'] },
    },
    sentinels: live(
      'pv1',
      1,
      ['pv2', 'pv3'],
      [
        { on: 'pv2', offset: 900 },
        { on: 'pv3', offset: 600, priority: 10 },
      ],
    ),
    right: { winners: ['pv2'], mayRefuse: 'pv2 alone says that it is ahead', why: 'the same history, 300 bytes more' },
  },
  {
    name: 'both replicas were promoted one after the other, and one died',
    source: 'https://github.com/redis/redis/issues/1446',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '10:00:00' },
        log: [...made, ...stoppedWhole('10:00:00', 'M')],
      },
      pv2: {
        rdb: { version: 10, replid: B, offset: 1300, keys: 13, at: '11:00:00' },
        log: [...followed, ...promoted('10:00:30', ['A', 'B'], 901), ...stoppedWhole('11:00:00', 'M')],
      },
      pv3: {
        info: { role: 'master', replid: id('C'), offset: 1500, second: { replid: B, offset: 1301 }, keys: 15 },
        log: [...followed, ...wentOn('10:00:40', 'pv2', ['A', 'B'], 901), ...promoted('11:00:30', ['B', 'C'], 1301)],
      },
    },
    sentinels: live('pv3', 3, ['pv1', 'pv2', 'pv3'], []),
    right: { winners: ['pv3'], why: 'C goes on from the last byte of B, which went on from the last of A' },
  },
  {
    name: 'a replica with the id of the master and a wonderful offset; the others run at the same end',
    source: 'fact: an offset is a number that a node prints; only other witnesses make it proof',
    server: v,
    nodes: { pv1: deadMaster, pv2: running(900), pv3: running(wonderful) },
    sentinels: live(
      'pv1',
      1,
      ['pv1', 'pv2', 'pv3'],
      [
        { on: 'pv2', offset: 900 },
        { on: 'pv3', offset: wonderful },
      ],
    ),
    right: { winners: ['pv2'], mayRefuse: never, names: ['pv3'], why: 'pv3 prints what it likes' },
  },
  {
    name: 'the same wonder in the header of a file, everything off',
    source: 'fact: an RDB header is written by who owns the disk',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [...made, ...stoppedWhole('11:00:00', 'M')],
      },
      pv2: stopped(900),
      pv3: stopped(wonderful),
    },
    sentinels: {
      pv1: { master: 'pv1', epoch: 1 },
      pv2: { master: 'pv1', epoch: 1 },
      pv3: { master: 'pv3', epoch: 999 },
    },
    right: {
      winners: ['pv1', 'pv2'],
      mayRefuse: never,
      names: ['pv3'],
      why: 'the file and the sentinel of one host are one witness',
    },
  },
  {
    name: 'a master that says it was promoted out of everything',
    source: 'fact: second_repl_offset is printed by the node itself; the replicas know how far the old history went',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [...made, ...stoppedWhole('11:00:00', 'M')],
      },
      pv2: stopped(900),
      pv3: {
        info: {
          role: 'master',
          replid: id('Z'),
          offset: wonderful,
          second: { replid: A, offset: wonderful },
          keys: 900,
        },
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv1', 'pv2'],
      mayRefuse: never,
      names: ['pv3'],
      why: 'nobody elected it, and nobody followed it',
    },
  },
  {
    name: 'a node that still loads has the larger data set',
    source: 'fact: a node answers while it loads, with a part of its keys; its offset says nothing yet',
    server: v,
    nodes: {
      pv1: {
        info: { role: 'master', replid: B, offset: 0, keys: 3, loading: true, noBacklog: true },
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
      },
      pv2: running(700),
    },
    sentinels: live('pv1', 1, ['pv1', 'pv2'], [{ on: 'pv2', offset: 700 }]),
    right: {
      winners: ['pv1'],
      mayRefuse: 'what a loading node holds is known when it has loaded',
      names: ['pv1'],
      why: 'its file ends 200 bytes after pv2',
    },
  },
];
