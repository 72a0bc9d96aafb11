import { copied, madeHistory, started, stoppedWhole } from './log-lines.js';
import type { Night } from './night.js';
import { addressOf, id } from './places.js';

const of = (host: string) => `replicaof ${addressOf(host)} 6379`;
const A = id('A');
const B = id('B');

/** Masters and replicas that hold nothing, or would: by a lost disk, by a line in a file, in the middle of a copy. */
export const emptyNodes: readonly Night[] = [
  {
    name: 'a master without persistence is restarted at once, and empties who follows it',
    source: 'https://github.com/redis/redis/issues/6434',
    server: '7.0.15',
    nodes: {
      pv1: {
        conf: ['save ""'],
        info: {
          role: 'master',
          replid: B,
          offset: 40,
          keys: 0,
          uptimeSeconds: 30,
          replicas: [{ of: addressOf('pv2'), offset: 40 }],
        },
      },
      pv2: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), linkUp: true, replid: B, offset: 40, keys: 0 },
      },
      pv3: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '10:00:00' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 }, pv3: { master: 'pv1', epoch: 1 } },
    right: { winners: ['pv3'], why: 'pv3 was off in that minute and alone holds data' },
  },
  {
    name: 'an empty replica was promoted, and the dead master has everything on its disk',
    source:
      'fact: from 6.2.3 on a replica that never linked since its start reports -1 and passes the age test of Sentinel',
    server: '7.0.15',
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [
          ...started('08:00:00', '7.0.15', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv2: { info: { role: 'master', replid: B, offset: 0, keys: 0, uptimeSeconds: 100 }, conf: ['save ""'] },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 2 }, pv2: { master: 'pv2', epoch: 2 } },
    right: { winners: ['pv1'], why: 'the promoted node never had anything, whatever epoch elected it' },
  },
  {
    name: 'the old master is respawned and loads an empty AOF; its successor serves',
    source: 'https://github.com/OT-CONTAINER-KIT/redis-operator/issues/513',
    server: '7.0.5',
    nodes: {
      pv1: {
        conf: ['appendonly yes'],
        info: { role: 'master', replid: id('Z'), offset: 0, keys: 0, uptimeSeconds: 20, aof: true, noBacklog: true },
      },
      pv2: {
        conf: ['appendonly yes'],
        info: { role: 'master', replid: B, offset: 2000, second: { replid: A, offset: 901 }, keys: 12, aof: true },
      },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 2 }, pv2: { master: 'pv2', epoch: 2 } },
    right: { winners: ['pv2'], why: 'the respawned one is empty' },
  },
  {
    name: 'a replica in the middle of a full copy has the larger offset',
    source: 'https://github.com/valkey-io/valkey/issues/1012',
    server: 'valkey 8.1.1',
    nodes: {
      pv1: {
        rdb: { version: 11, replid: A, offset: 300, keys: 4, at: '09:00:00' },
        log: [...started('08:00:00', 'valkey 8.1.1', 'M'), ...madeHistory('08:00:01', 'A', 'pv2')],
      },
      pv2: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), replid: id('Z'), offset: 99_999, syncing: true, keys: 3 },
      },
      pv3: {
        conf: [of('pv1')],
        info: { role: 'replica', of: addressOf('pv1'), replid: A, offset: 900, keys: 9 },
        log: [...started('08:00:00', 'valkey 8.1.1', 'S'), ...copied('08:00:02', 'pv1', 'A', 0)],
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 }, pv3: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv3'],
      mayRefuse: 'the half-copied node holds an older data set of which nothing says what is in it',
      names: ['pv2'],
      why: 'the copy of pv2 was never finished, and its offset is of the history before',
    },
  },
  {
    name: 'appendonly yes in the file of the last master, over an RDB file, all stopped in order',
    source: 'https://github.com/redis/redis/issues/12484',
    server: '7.0.12',
    nodes: {
      pv1: {
        conf: ['appendonly yes'],
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [
          ...started('08:00:00', '7.0.12', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv2: {
        conf: [of('pv1')],
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:01' },
        log: [
          ...started('08:00:00', '7.0.12', 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...stoppedWhole('11:00:01', 'S'),
        ],
      },
      pv3: {
        conf: [of('pv1')],
        rdb: { version: 10, replid: A, offset: 700, keys: 7, at: '10:00:01' },
        log: [
          ...started('08:00:00', '7.0.12', 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...stoppedWhole('10:00:01', 'S'),
        ],
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 }, pv3: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv2'],
      mayRefuse: 'what the last master would load is nothing, and it was the last one to serve',
      why: 'pv1 would load an AOF that is not there and start empty; pv2 has the same data and would load it',
    },
  },
  {
    name: 'after appendonly yes and a clean stop the RDB file of the master is empty, too',
    source: 'https://github.com/redis/redis/issues/4435',
    server: '7.0.15',
    nodes: {
      pv1: { conf: ['appendonly yes'], aof: '', aofBaseKeys: 0, rdb: { version: 10, keys: 0, at: '11:59:00' } },
      pv2: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:01' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: ['pv2'],
      refused: ['on-no-disk'],
      why: 'the newest file is the empty one; what pv1 took after 11:00 is gone, and has to be accepted',
    },
  },
  {
    name: 'dump.rdb was not loaded, and the node serves empty beside a replica that is off',
    source: 'https://github.com/redis/redis/issues/12762',
    server: '7.0.12',
    nodes: {
      pv1: { info: { role: 'master', replid: B, offset: 0, keys: 0, uptimeSeconds: 600, noBacklog: true } },
      pv2: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 5000, keys: 12, at: '09:00:00' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: { winners: ['pv2'], why: 'an empty master beside data' },
  },
  {
    name: 'every disk was lost',
    source: 'https://github.com/bitnami/charts/issues/8263',
    server: '6.2.6',
    nodes: {
      pv1: { rdb: { version: 9, keys: 0, at: '11:00:00' } },
      pv2: { conf: [of('pv1')], rdb: { version: 9, keys: 0, at: '11:00:00' } },
      pv3: { conf: [of('pv1')] },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 4 }, pv2: { master: 'pv1', epoch: 4 }, pv3: { master: 'pv1', epoch: 4 } },
    right: {
      winners: ['pv1', 'pv2', 'pv3'],
      refused: ['on-no-disk', 'incomparable', 'empty-master', 'too-little-seen'],
      why: 'what existed is on no disk: whoever goes on has to say that this is known',
    },
  },
  {
    name: 'a replica that was emptied was promoted and served; the rest of the data is older',
    source: 'https://github.com/redis/redis/issues/2219',
    server: '7.0.15',
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [
          ...started('08:00:00', '7.0.15', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv2: {
        info: { role: 'master', replid: B, offset: 300, keys: 3, changes: 3, uptimeSeconds: 500 },
        log: [...started('11:50:00', '7.0.15', 'M'), ...madeHistory('11:50:01', 'B', 'pv3')],
      },
    },
    sentinels: { pv1: { master: 'pv2', epoch: 2 }, pv2: { master: 'pv2', epoch: 2 } },
    right: {
      winners: [],
      refused: ['incomparable', 'split'],
      names: ['pv1', 'pv2'],
      why: 'pv2 began empty and took three writes that pv1 never had',
    },
  },
];
