import { copied, madeHistory, promoted, started, stoppedWhole, wentOn } from './log-lines.js';
import type { Night } from './night.js';
import { addressOf, id } from './places.js';

const of = (host: string) => `replicaof ${addressOf(host)} 6379`;
const [A, B, C, R, Z] = [id('A'), id('B'), id('C'), id('R'), id('Z')];
const all = (master: string, epoch: number) => ({
  pv1: { master, epoch },
  pv2: { master, epoch },
  pv3: { master, epoch },
});
const firstMaster = [...started('08:00:00', '7.0.15', 'M'), ...madeHistory('08:00:01', 'A', 'pv2')];
const firstReplica = [...started('08:00:00', '7.0.15', 'S'), ...copied('08:00:02', 'pv1', 'A', 0)];

/** Data that went on in two places, or seems to have. */
export const splits: readonly Night[] = [
  {
    name: 'a slow network cut the master off, and its clients went on writing to it',
    source: 'https://github.com/apecloud/kubeblocks/issues/5107',
    server: '7.0.15',
    nodes: {
      pv1: { info: { role: 'master', replid: A, offset: 1500, keys: 12 }, log: firstMaster },
      pv2: {
        info: {
          role: 'master',
          replid: B,
          offset: 1200,
          second: { replid: A, offset: 901 },
          keys: 15,
          replicas: [{ of: addressOf('pv3'), offset: 1200 }],
        },
        log: [...firstReplica, ...promoted('11:00:00', ['A', 'B'], 901)],
      },
      pv3: {
        conf: [of('pv2')],
        info: { role: 'replica', of: addressOf('pv2'), linkUp: true, replid: B, offset: 1200, keys: 15 },
        log: [...firstReplica, ...wentOn('11:00:02', 'pv2', ['A', 'B'], 901)],
      },
    },
    sentinels: all('pv2', 2),
    right: {
      winners: [],
      refused: ['split', 'incomparable'],
      names: ['pv1', 'pv2'],
      why: 'pv1 has 600 bytes of its own since the cut, pv2 300',
    },
  },
  {
    name: 'each side of a partition elected a master at the same epoch',
    source:
      'fact: SENTINEL FAILOVER on both sides of a partition draws the same epoch [7.0.15: both masters were demoted after healing]',
    server: '7.0.15',
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 800, keys: 8, at: '10:00:00' },
        log: [...firstMaster, ...stoppedWhole('10:00:00', 'M')],
      },
      pv2: {
        rdb: { version: 10, replid: B, offset: 1300, keys: 13, at: '11:30:00' },
        log: [...firstReplica, ...promoted('11:00:00', ['A', 'B'], 801), ...stoppedWhole('11:30:00', 'M')],
      },
      pv3: {
        rdb: { version: 10, replid: C, offset: 1900, keys: 19, at: '11:30:00' },
        log: [...firstReplica, ...promoted('11:00:00', ['A', 'C'], 801), ...stoppedWhole('11:30:00', 'M')],
      },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 1 }, pv2: { master: 'pv2', epoch: 1 }, pv3: { master: 'pv3', epoch: 1 } },
    right: {
      winners: [],
      refused: ['split'],
      names: ['pv2', 'pv3'],
      why: 'both grew out of A at 800 and took writes of their own',
    },
  },
  {
    name: 'the old master comes back as a master, loads its file, and takes nothing',
    source: 'https://github.com/bitnami/charts/issues/5543',
    server: '7.0.15',
    nodes: {
      pv1: {
        info: {
          role: 'master',
          replid: R,
          offset: 900,
          second: { replid: A, offset: 901 },
          keys: 9,
          noBacklog: true,
          uptimeSeconds: 60,
          changes: 0,
          writeCalls: 0,
        },
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [...firstMaster, ...stoppedWhole('11:00:00', 'M'), ...started('11:59:00', '7.0.15', 'M')],
      },
      pv2: {
        info: { role: 'master', replid: B, offset: 1200, second: { replid: A, offset: 901 }, keys: 12, replicas: [] },
        log: [...firstReplica, ...promoted('11:00:30', ['A', 'B'], 901)],
      },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 2 }, pv2: { master: 'pv2', epoch: 2 } },
    right: {
      winners: ['pv2'],
      mayRefuse: 'a master without a backlog counts no write',
      names: ['pv1'],
      why: 'pv1 loaded what it had at the stop, all of which pv2 has',
    },
  },
  {
    name: 'the old master comes back as a master with a new id and offset 0, and clients find it',
    source: 'https://github.com/helm/charts/issues/21303',
    server: '5.0.5',
    nodes: {
      pv1: {
        info: { role: 'master', replid: R, offset: 0, keys: 14, noBacklog: true, uptimeSeconds: 600, changes: 5 },
      },
      pv2: {
        info: {
          role: 'master',
          replid: B,
          offset: 1200,
          second: { replid: A, offset: 901 },
          keys: 12,
          replicas: [{ of: addressOf('pv3'), offset: 1200 }],
        },
      },
      pv3: {
        conf: [of('pv2')],
        info: { role: 'replica', of: addressOf('pv2'), linkUp: true, replid: B, offset: 1200, keys: 12 },
      },
    },
    sentinels: all('pv2', 2),
    right: {
      winners: [],
      refused: ['incomparable', 'split'],
      names: ['pv1'],
      why: 'five changes were made on pv1 since its last save, and on pv2 as well',
    },
  },
  {
    name: 'three masters alone after a reboot, each with clients',
    source: 'https://github.com/bitnami/charts/issues/17047',
    server: '7.0.11',
    nodes: {
      pv1: { info: { role: 'master', replid: A, offset: 0, keys: 9, noBacklog: true, changes: 4 } },
      pv2: { info: { role: 'master', replid: B, offset: 0, keys: 8, noBacklog: true, changes: 2 } },
      pv3: { info: { role: 'master', replid: C, offset: 0, keys: 7, noBacklog: true, changes: 1 } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 0 }, pv2: { master: 'pv2', epoch: 0 }, pv3: { master: 'pv3', epoch: 0 } },
    right: {
      winners: [],
      refused: ['incomparable', 'split'],
      names: ['pv1', 'pv2', 'pv3'],
      why: 'all three took writes',
    },
  },
  {
    name: 'a replica was made master by hand and took writes, then the old master returned with a later end',
    source: 'https://github.com/redis/redis/issues/6751',
    server: '5.0.7',
    nodes: {
      pv1: {
        rdb: { version: 9, replid: A, offset: 1000, keys: 10, at: '10:30:00' },
        log: [
          ...started('08:00:00', '5.0.7', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('10:30:00', 'M'),
        ],
      },
      pv2: {
        info: { role: 'master', replid: B, offset: 1200, second: { replid: A, offset: 901 }, keys: 12 },
        log: [
          ...started('08:00:00', '5.0.7', 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...promoted('11:00:00', ['A', 'B'], 901),
        ],
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: [],
      refused: ['split', 'incomparable'],
      names: ['pv1', 'pv2'],
      why: 'pv1 has 100 bytes after 900, pv2 has 300 of its own',
    },
  },
  {
    name: 'a master was restored from an old backup, and took writes',
    source:
      'fact: a master that starts from a file draws a new id; from 7.0 on the id of the file becomes its second one',
    server: '7.0.15',
    nodes: {
      pv1: {
        info: { role: 'master', replid: R, offset: 420, second: { replid: A, offset: 301 }, keys: 5, changes: 3 },
      },
      pv2: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' } },
      pv3: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' } },
    },
    sentinels: all('pv1', 1),
    right: {
      winners: [],
      refused: ['split', 'incomparable'],
      names: ['pv1'],
      why: 'A is shared up to 300; pv1 went on by 120 bytes, the replicas by 600',
    },
  },
  {
    name: 'a replica of an old life shows a far larger offset',
    source: 'https://github.com/valkey-io/valkey/pull/885',
    server: 'valkey 8.1.1',
    nodes: {
      pv1: {
        rdb: { version: 11, replid: A, offset: 42_000, keys: 30, at: '11:00:00' },
        log: [
          ...started('08:00:00', 'valkey 8.1.1', 'S'),
          ...copied('08:00:02', 'pv9', 'Z', 0),
          ...promoted('09:00:00', ['Z', 'A'], 40_001),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv2: {
        conf: [of('pv1')],
        rdb: { version: 11, replid: A, offset: 42_000, keys: 30, at: '11:00:01' },
        log: [
          ...started('08:00:00', 'valkey 8.1.1', 'S'),
          ...copied('08:00:02', 'pv9', 'Z', 0),
          ...wentOn('09:00:02', 'pv1', ['Z', 'A'], 40_001),
          ...stoppedWhole('11:00:01', 'S'),
        ],
      },
      pv3: {
        conf: ['replicaof 10.0.10.9 6379'],
        info: { role: 'replica', of: '10.0.10.9', replid: Z, offset: 99_999, keys: 44 },
      },
    },
    sentinels: all('pv1', 2),
    right: {
      winners: [],
      refused: ['split', 'incomparable', 'blocked'],
      names: ['pv3'],
      why: 'Z went on by 59 999 bytes without pv1 and pv2, and they by 2 000 in A',
    },
  },
  {
    name: 'another fleet answers at the address of a node that was given back',
    source: 'fact: offsets of histories that share no id say nothing about each other',
    server: '7.0.15',
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [...firstMaster, ...stoppedWhole('11:00:00', 'M')],
      },
      pv2: {
        conf: [of('pv1')],
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:01' },
        log: [...firstReplica, ...stoppedWhole('11:00:01', 'S')],
      },
      pv3: { info: { role: 'master', replid: Z, offset: 8_000_000_000, keys: 500_000 } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: [],
      refused: ['incomparable', 'split', 'blocked'],
      names: ['pv3'],
      why: 'nothing joins the data of pv3 to the others; whose it is only a person can say',
    },
  },
  {
    name: 'a former master died with a tail that nobody measured',
    source:
      'fact: an AOF carries no offset; by log lines alone every crashed former master of such a fleet may have a tail',
    server: '7.0.15',
    nodes: {
      pv1: {
        conf: ['appendonly yes'],
        aof: 'x',
        log: [...firstMaster, '10:59:00 M Background AOF rewrite finished successfully'],
      },
      pv2: {
        conf: ['appendonly yes'],
        aof: 'x',
        log: [
          ...firstReplica,
          '08:00:03 S Background AOF rewrite finished successfully',
          ...promoted('11:00:00', ['A', 'B'], 901),
        ],
      },
      pv3: {
        conf: ['appendonly yes', of('pv2')],
        aof: 'x',
        log: [
          ...firstReplica,
          '08:00:03 S Background AOF rewrite finished successfully',
          ...wentOn('11:00:02', 'pv2', ['A', 'B'], 901),
        ],
      },
    },
    sentinels: all('pv2', 2),
    right: {
      winners: ['pv2'],
      why: 'its successor was elected and followed; what only pv1 may have is named and bounded',
      names: ['pv1'],
    },
  },
  {
    name: 'replicas died first, the master wrote on and stopped, an old replica returns',
    source: 'https://github.com/redis/redis/issues/7825',
    server: '6.0.8',
    nodes: {
      pv1: {
        rdb: { version: 9, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [
          ...started('08:00:00', '6.0.8', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv2: { conf: [of('pv1')], rdb: { version: 9, replid: A, offset: 700, keys: 7, at: '10:00:00' } },
      pv3: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), replid: A, offset: 500, keys: 5, linkDownSeconds: 4000 },
      },
    },
    sentinels: {
      pv1: { master: 'pv1', epoch: 1 },
      pv2: {
        master: 'pv1',
        epoch: 1,
        runs: true,
        flags: 'master,s_down,o_down',
        peers: ['pv3'],
        replicas: [
          { on: 'pv2', offset: 700, flags: 'slave,s_down' },
          { on: 'pv3', offset: 500 },
        ],
      },
      pv3: {
        master: 'pv1',
        epoch: 1,
        runs: true,
        flags: 'master,s_down,o_down',
        peers: ['pv2'],
        replicas: [
          { on: 'pv2', offset: 700, flags: 'slave,s_down' },
          { on: 'pv3', offset: 500 },
        ],
      },
    },
    right: { winners: ['pv1'], why: 'the one that runs is 400 bytes behind the file of pv1' },
  },
  {
    name: 'after two failovers and with every log gone the files name three histories',
    source: 'fact: an RDB header holds one id, and only one generation is remembered; the logs join the rest',
    server: '7.0.15',
    nodes: {
      pv1: { rdb: { version: 10, replid: A, offset: 808, keys: 8, at: '09:00:00' } },
      pv2: { rdb: { version: 10, replid: C, offset: 1962, keys: 19, at: '11:00:00' } },
      pv3: { rdb: { version: 10, replid: B, offset: 1489, keys: 14, at: '10:00:00' } },
    },
    sentinels: all('pv2', 2),
    right: {
      winners: ['pv2'],
      mayRefuse: 'without a log line nothing joins the three histories',
      names: ['pv1', 'pv3'],
      why: 'three masters in turn, each stopped in order; pv2 was the last',
    },
  },
];
