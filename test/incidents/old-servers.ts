import type { Night } from './night.js';
import { addressOf } from './places.js';

const replicaOf = (host: string) => `slaveof ${addressOf(host)} 6379`;
const three = (master: string, epoch: number) => ({
  pv1: { master, epoch },
  pv2: { master, epoch },
  pv3: { master, epoch },
});

/** Redis 2.8 and 3.2: no replication ids, slave wording, offsets that begin anew with every master. */
export const oldServers: readonly Night[] = [
  {
    name: '2.8: two replicas of a master that crashed',
    source: 'fact: 2.8 to 3.2 have no replication id; slave_repl_offset counts bytes of one master process',
    server: '2.8.24',
    nodes: {
      pv1: {
        rdb: { version: 6, keys: 4, at: '09:00:00' },
        log: [
          '08:00:00 M Server started, Redis version 2.8.24',
          '11:00:00 M The server is now ready to accept connections on port 6379',
        ],
      },
      pv2: { conf: [replicaOf('pv1')], info: { role: 'replica', of: addressOf('pv1'), offset: 5000, keys: 9 } },
      pv3: { conf: [replicaOf('pv1')], info: { role: 'replica', of: addressOf('pv1'), offset: 4800, keys: 9 } },
    },
    sentinels: three('pv1', 1),
    right: {
      winners: ['pv2'],
      mayRefuse: 'no id says that both offsets count the stream of the same process, and the dead master may have more',
      names: ['pv2', 'pv3'],
      why: 'both followed one master until it died, and pv2 had received 200 bytes more',
    },
  },
  {
    name: '2.8: an emptied master has emptied one replica, another one is off',
    source: 'https://github.com/redis/redis/issues/1297',
    server: '2.8.19',
    nodes: {
      pv1: { info: { role: 'master', offset: 900, keys: 0, uptimeSeconds: 60 } },
      pv2: {
        conf: [replicaOf('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, offset: 900, keys: 0 },
      },
      pv3: { conf: [replicaOf('pv1')], rdb: { version: 6, keys: 9, at: '10:00:00' } },
    },
    sentinels: three('pv1', 1),
    right: { winners: ['pv3'], why: 'pv3 alone holds the data; every offset is of the empty life' },
  },
  {
    name: '2.8: healthy',
    source: 'fact: 2.8 writes known-slave, names replicas slaves, and prints no ids',
    server: '2.8.24',
    nodes: {
      pv1: {
        info: {
          role: 'master',
          offset: 5000,
          keys: 9,
          replicas: [
            { of: addressOf('pv2'), offset: 5000 },
            { of: addressOf('pv3'), offset: 5000 },
          ],
        },
      },
      pv2: {
        conf: [replicaOf('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, offset: 5000, keys: 9 },
      },
      pv3: {
        conf: [replicaOf('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, offset: 5000, keys: 9 },
      },
    },
    sentinels: Object.fromEntries(
      ['pv1', 'pv2', 'pv3'].map((host) => [
        host,
        {
          master: 'pv1',
          epoch: 1,
          runs: true as const,
          replicas: [
            { on: 'pv2', offset: 5000 },
            { on: 'pv3', offset: 5000 },
          ],
          peers: ['pv1', 'pv2', 'pv3'].filter((other) => other !== host),
        },
      ]),
    ),
    right: { winners: ['pv1'], why: 'it serves, and nothing is amiss' },
  },
  {
    name: '2.8: Sentinel finds no good slave, and the master has lost its disk',
    source: 'https://github.com/redis/redis/issues/2275',
    server: '2.8.19',
    nodes: {
      pv1: {},
      pv2: {
        conf: [replicaOf('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), offset: 1, keys: 9, linkDownSeconds: 1_795_220_043 },
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv2'],
      mayRefuse: 'what the master had not yet passed on is gone with its disk',
      why: 'the only data that is left; Sentinel refuses it for the age of its link, which counts from 1970',
    },
  },
  {
    name: '2.8: a former master is back with a larger offset than its successor',
    source: 'https://github.com/redis/redis/issues/1073',
    server: '2.8.8',
    nodes: {
      pv1: { info: { role: 'master', offset: 90_000, keys: 12 } },
      pv2: { info: { role: 'master', offset: 40, keys: 15 } },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 2 }, pv2: { master: 'pv2', epoch: 2 } },
    right: {
      winners: [],
      refused: ['incomparable', 'split'],
      names: ['pv1', 'pv2'],
      why: 'applications wrote to both masters; the offset of the promoted one began anew',
    },
  },
  {
    name: '3.2: a replica shows 0 as its own master_repl_offset',
    source:
      'fact: up to 3.2 master_repl_offset of a replica is its own unrelated counter [3.2.12: slave_repl_offset 292, master_repl_offset 0]',
    server: '3.2.12',
    nodes: {
      pv1: { away: true },
      pv2: { conf: [replicaOf('pv1')], info: { role: 'replica', of: addressOf('pv1'), offset: 292, keys: 5 } },
      pv3: { conf: [replicaOf('pv1')], info: { role: 'replica', of: addressOf('pv1'), offset: 280, keys: 5 } },
    },
    sentinels: { pv2: { master: 'pv1', epoch: 1 }, pv3: { master: 'pv1', epoch: 1 } },
    right: {
      winners: [],
      refused: ['too-little-seen'],
      names: ['pv1'],
      why: 'the host of the master was not reached: it may serve, and what it holds is not known',
    },
  },
  {
    name: '3.2: appendonly yes was put into the file of a node that has only an RDB file',
    source:
      'fact: 3.2 opens the AOF with O_CREAT and then loads 0 bytes [DBSIZE 0]; https://github.com/redis/redis/issues/1826',
    server: '3.2.12',
    nodes: {
      pv1: { conf: ['appendonly yes'], aof: '', rdb: { version: 7, keys: 0, at: '11:30:00' } },
      pv2: { conf: [replicaOf('pv1')], rdb: { version: 7, keys: 9, at: '10:00:00' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv2'],
      refused: ['on-no-disk'],
      why: 'pv1 would start empty, whatever its sentinel says; what it took after the file of pv2 was written is gone',
    },
  },
  {
    name: '3.2: three files without ids after a clean stop',
    source: 'fact: an RDB file of 2.8 to 3.2 names no history; only its own clock says when it was written',
    server: '3.2.12',
    nodes: {
      pv1: { rdb: { version: 7, keys: 12, at: '11:00:00' } },
      pv2: { conf: [replicaOf('pv1')], rdb: { version: 7, keys: 15, at: '11:20:00' } },
      pv3: { conf: [replicaOf('pv1')], rdb: { version: 7, keys: 9, at: '11:40:00' } },
    },
    sentinels: three('pv2', 3),
    right: {
      winners: ['pv2'],
      mayRefuse:
        'files without ids can be put in no order; their times are of three clocks, and pv3 was started alone since',
      names: ['pv1', 'pv2', 'pv3'],
      why: 'pv2 was master last; the newest file is of a replica that was started alone afterwards',
    },
  },
  {
    name: '3.2: the promoted replica counts from the beginning again',
    source: 'fact: before 4.0 the offset restarts after a promotion, and all replicas copy in full',
    server: '3.2.12',
    nodes: {
      pv1: { rdb: { version: 7, keys: 9, at: '10:00:00' } },
      pv2: { info: { role: 'master', offset: 210, keys: 14, replicas: [{ of: addressOf('pv3'), offset: 210 }] } },
      pv3: {
        conf: [replicaOf('pv2')],
        info: { role: 'replica', of: addressOf('pv2'), linkUp: true, offset: 210, keys: 14 },
      },
    },
    sentinels: Object.fromEntries(
      ['pv2', 'pv3'].map((host) => [
        host,
        {
          master: 'pv2',
          epoch: 2,
          runs: true as const,
          replicas: [{ on: 'pv3', offset: 210 }],
          peers: ['pv2', 'pv3'].filter((other) => other !== host),
        },
      ]),
    ),
    right: {
      winners: ['pv2', 'pv3'],
      why: 'pv2 serves and pv3 has the same; pv1 was left with an older file',
      mayRefuse: 'the file of pv1 names no history',
    },
  },
];
