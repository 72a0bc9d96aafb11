import { copied, madeHistory, promoted, started, stoppedWhole, wentOn } from './log-lines.js';
import type { Night, NodeNow } from './night.js';
import { addressOf, id } from './places.js';

const of = (host: string) => `replicaof ${addressOf(host)} 6379`;
const [A, B] = [id('A'), id('B')];
const all = (master: string, epoch: number) => ({
  pv1: { master, epoch },
  pv2: { master, epoch },
  pv3: { master, epoch },
});
const v = '7.0.15';
const rewritten = (time: string, role: 'M' | 'S') => `${time} ${role} Background AOF rewrite finished successfully`;
const masterStopped = (offset: number): NodeNow => ({
  rdb: { version: 10, replid: A, offset, keys: Math.ceil(offset / 100), at: '11:00:00' },
  log: [...started('08:00:00', v, 'M'), ...madeHistory('08:00:01', 'A', 'pv2'), ...stoppedWhole('11:00:00', 'M')],
});
const replicaStopped = (offset: number, time: string): NodeNow => ({
  conf: [of('pv1')],
  rdb: { version: 10, replid: A, offset, keys: Math.ceil(offset / 100), at: time },
  log: [...started('08:00:00', v, 'S'), ...copied('08:00:02', 'pv1', 'A', 0), ...stoppedWhole(time, 'S')],
});

/** Everything off, and only files, clocks and sizes are left to look at. */
export const files: readonly Night[] = [
  {
    name: 'the clock of one host is two hours ahead, and so are the times of its files',
    source: 'fact: a file time is of the host that wrote it; it is shown and never ranked on',
    server: v,
    nodes: {
      pv1: masterStopped(900),
      pv2: { ...replicaStopped(600, '11:59:00'), clockMs: 7_200_000 },
      pv3: replicaStopped(500, '09:00:00'),
    },
    sentinels: all('pv1', 1),
    right: { winners: ['pv1'], why: 'pv2 stopped an hour before pv1; only its clock says otherwise' },
  },
  {
    name: 'a copy of an old dump.rdb was put back today',
    source: 'fact: the time of a file is lost by a copy that does not keep it',
    server: v,
    nodes: {
      pv1: masterStopped(900),
      pv2: replicaStopped(900, '11:00:02'),
      pv3: { conf: [of('pv1')], rdb: { version: 10, replid: A, offset: 300, keys: 3, at: '11:58:00' } },
    },
    sentinels: all('pv1', 1),
    right: { winners: ['pv1', 'pv2'], why: 'the newest file has the least' },
  },
  {
    name: 'the largest AOF is of the replica that never rewrote it',
    source: 'fact: the size of an AOF counts what was overwritten, too',
    server: v,
    nodes: {
      pv1: {
        conf: ['appendonly yes'],
        aof: 'x',
        log: [...started('08:00:00', v, 'M'), ...madeHistory('08:00:01', 'A', 'pv2'), rewritten('11:50:00', 'M')],
      },
      pv2: {
        conf: ['appendonly yes', of('pv1')],
        aof: 'x'.repeat(40),
        log: [...started('08:00:00', v, 'S'), ...copied('08:00:02', 'pv1', 'A', 0), rewritten('08:00:03', 'S')],
      },
      pv3: {
        conf: ['appendonly yes', of('pv1')],
        aof: 'x'.repeat(4000),
        log: [
          ...started('08:00:00', v, 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          rewritten('08:00:03', 'S'),
          '10:00:00 S Connection with master lost.',
        ],
      },
    },
    sentinels: all('pv1', 1),
    right: {
      winners: ['pv1'],
      why: 'pv1 made the history that the others only followed; pv3 lost it an hour before the end',
    },
  },
  {
    name: 'three masters in turn, stopped in order, with every log',
    source:
      'fact: three RDB headers with three ids after a clean cascade [A@808, C@1489, B@1962]; the promotion lines join them',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 808, keys: 8, at: '09:00:00' },
        log: [...started('08:00:00', v, 'M'), ...madeHistory('08:00:01', 'A', 'pv2'), ...stoppedWhole('09:00:00', 'M')],
      },
      pv2: {
        rdb: { version: 10, replid: id('C'), offset: 1962, keys: 19, at: '11:00:00' },
        log: [
          ...started('08:00:00', v, 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...wentOn('09:00:30', 'pv3', ['A', 'B'], 809),
          ...promoted('10:00:30', ['B', 'C'], 1490),
          ...stoppedWhole('11:00:00', 'M'),
        ],
      },
      pv3: {
        rdb: { version: 10, replid: B, offset: 1489, keys: 14, at: '10:00:00' },
        log: [
          ...started('08:00:00', v, 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...promoted('09:00:30', ['A', 'B'], 809),
          ...stoppedWhole('10:00:00', 'M'),
        ],
      },
    },
    sentinels: {
      pv1: { master: 'pv1', epoch: 0 },
      pv2: { master: 'pv2', epoch: 2 },
      pv3: { master: 'pv3', epoch: 1 },
      pvha1: { master: 'pv2', epoch: 2 },
      pvha2: { master: 'pv2', epoch: 2 },
    },
    right: { winners: ['pv2'], why: '808 is before 809 - 1, and 1489 before 1490 - 1: each contains the one before' },
  },
  {
    name: 'a longer history that ended before the promotion has the larger offset',
    source: 'fact: rule 2 of comparing two nodes: an ancestor that went past the cut has diverged',
    server: v,
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 5000, keys: 20, at: '10:59:00' },
        log: [...started('08:00:00', v, 'M'), ...madeHistory('08:00:01', 'A', 'pv2'), ...stoppedWhole('11:10:00', 'M')],
      },
      pv2: {
        rdb: { version: 10, replid: B, offset: 4200, keys: 18, at: '11:30:00' },
        log: [
          ...started('08:00:00', v, 'S'),
          ...copied('08:00:02', 'pv1', 'A', 0),
          ...promoted('11:00:00', ['A', 'B'], 4001),
          ...stoppedWhole('11:30:00', 'M'),
        ],
      },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 0 }, pv2: { master: 'pv2', epoch: 1 } },
    right: {
      winners: [],
      refused: ['split'],
      names: ['pv1', 'pv2'],
      why: 'pv1 has 1 000 bytes after the cut at 4 000, pv2 has 200',
    },
  },
  {
    name: 'the RDB file of the last master is cut off',
    source:
      'fact: a file without its last byte and its checksum does not load, and an unreadable one ends the server at its start',
    server: v,
    nodes: {
      pv1: {
        ...masterStopped(900),
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00', cutBytes: 12 },
      },
      pv2: replicaStopped(900, '11:00:02'),
      pv3: replicaStopped(700, '10:00:00'),
    },
    sentinels: all('pv1', 1),
    right: {
      winners: ['pv2'],
      why: 'pv2 has the same, in a file that loads',
      mayRefuse: 'a file that does not load is not known',
      names: ['pv1'],
    },
  },
  {
    name: 'the file of the freshest node is newer than its server',
    source: 'fact: an older server refuses a newer RDB version at its start',
    server: '6.0.16',
    nodes: {
      pv1: {
        rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '11:00:00' },
        log: [
          ...started('08:00:00', '7.0.15', 'M'),
          ...madeHistory('08:00:01', 'A', 'pv2'),
          ...stoppedWhole('11:00:00', 'M'),
          ...started('11:30:00', '6.0.16', 'M'),
          "11:30:00 M Can't handle RDB format version 10",
        ],
      },
      pv2: { conf: [of('pv1')], rdb: { version: 9, replid: A, offset: 600, keys: 6, at: '10:00:00' } },
    },
    sentinels: { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } },
    right: {
      winners: [],
      refused: ['blocked', 'incomparable'],
      names: ['pv1'],
      why: 'pv1 has 300 bytes more and would not start; pv2 must not be taken without a word',
    },
  },
  {
    name: 'the host of the node that was elected last cannot be reached',
    source: 'fact: what nobody could look at may serve, and may hold what no other does',
    server: v,
    nodes: { pv1: { away: true }, pv2: replicaStopped(700, '10:00:00'), pv3: replicaStopped(650, '09:59:00') },
    sentinels: { pv2: { master: 'pv1', epoch: 3 }, pv3: { master: 'pv1', epoch: 3 } },
    right: { winners: [], refused: ['too-little-seen'], names: ['pv1'], why: 'the last master is out of sight' },
  },
  {
    name: 'two replicas stopped in order at the same end, the master has lost its disk',
    source: 'fact: the same id at the same offset is the same data: a tie',
    server: v,
    nodes: { pv1: {}, pv2: replicaStopped(900, '11:00:02'), pv3: replicaStopped(900, '11:00:03') },
    sentinels: all('pv1', 1),
    right: {
      winners: ['pv2', 'pv3'],
      mayRefuse: 'whether the master took writes after them stood in its log, which is lost with its disk',
      why: 'both ended at the last byte',
    },
  },
  {
    name: 'a writable replica at the same offset',
    source: 'https://github.com/redis/redis-doc/pull/1687',
    server: v,
    nodes: {
      pv1: masterStopped(900),
      pv2: replicaStopped(900, '11:00:02'),
      pv3: { ...replicaStopped(900, '11:00:03'), conf: [of('pv1'), 'replica-read-only no'] },
    },
    sentinels: all('pv1', 1),
    right: {
      winners: ['pv1', 'pv2'],
      why: 'the offset of pv3 does not count what was written to it directly: it is no equal',
    },
  },
];
