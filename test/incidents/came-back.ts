import { copied, promoted, started, stoppedWhole } from './log-lines.js';
import type { Night, NodeNow } from './night.js';
import { addressOf, id } from './places.js';

const of = (host: string) => `replicaof ${addressOf(host)} 6379`;
const A = id('A');
const B = id('B');
const C = id('C');

const alone =
  'fact: an offset stands still while there is no backlog, and a replica has none before its first link (7.0.15)';
const gone =
  'fact: a master that comes back from nothing is copied by its replicas at once, and draws a new replication id';

/** The old master, stopped in order with all that it was given. */
const before: NodeNow = {
  rdb: { version: 10, replid: A, offset: 900, keys: 9, at: '10:00:00' },
  log: [
    ...started('08:00:00', '7.0.15', 'M'),
    `08:00:01 M Replication backlog created, my new replication IDs are '${A}' and '${'0'.repeat(40)}'`,
    ...stoppedWhole('10:00:00', 'M'),
  ],
};

const promotedAlone = [
  ...started('08:00:00', '7.0.15', 'S'),
  ...copied('08:00:02', 'pv1', 'A', 0),
  ...stoppedWhole('09:59:59', 'S'),
  '10:10:00 C Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=812, just started',
  '10:10:00 S DB loaded from disk: 0.000 seconds',
  '10:10:00 S Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.',
  '10:10:00 S Ready to accept connections',
  ...promoted('10:11:00', ['A', 'C'], 901),
  `10:30:00 S REPLICAOF ${addressOf('pv1')}:6379 enabled (user request from 'id=9 addr=127.0.0.1:40 name= cmd=replicaof')`,
  `10:30:00 S Connecting to MASTER ${addressOf('pv1')}:6379`,
];

const cameBack = (log: readonly string[]): NodeNow => ({
  rdb: { version: 10, replid: B, offset: 60, keys: 2, at: '11:00:00' },
  log,
});

const second = [
  '10:00:02 M Ready to accept connections',
  `10:00:03 M Replica ${addressOf('pv2')}:6379 asks for synchronization`,
  `10:00:03 M Replication backlog created, my new replication IDs are '${B}' and '${'0'.repeat(40)}'`,
  ...stoppedWhole('11:00:00', 'M'),
];

const restart = '10:00:01 C Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=813, just started';

const emptied: NodeNow = {
  conf: [of('pv1')],
  rdb: { version: 10, replid: B, offset: 60, keys: 2, at: '11:00:01' },
  log: [
    ...started('08:00:00', '7.0.15', 'S'),
    ...copied('08:00:02', 'pv1', 'A', 0),
    '10:00:00 S Connection with master lost.',
    `10:00:03 S Connecting to MASTER ${addressOf('pv1')}:6379`,
    `10:00:03 S Trying a partial resynchronization (request ${A}:901).`,
    `10:00:03 S Full resync from master: ${B}:0`,
    '10:00:03 S MASTER <-> REPLICA sync: Flushing old data',
    ...stoppedWhole('11:00:01', 'S'),
  ],
};

const both = { pv1: { master: 'pv1', epoch: 1 }, pv2: { master: 'pv1', epoch: 1 } } as const;

/** Nodes that took writes which no offset counts, and masters that came back without what they had. */
export const backAgain: readonly Night[] = [
  {
    name: 'a restarted replica was promoted without a link, took writes, was pointed back, saved, and was killed',
    source: alone,
    server: '7.0.15',
    nodes: {
      pv1: before,
      pv2: {
        conf: [of('pv1')],
        rdb: { version: 10, replid: C, offset: 900, keys: 12, at: '10:31:00' },
        log: [...promotedAlone, '10:31:00 C DB saved on disk'],
      },
    },
    sentinels: both,
    right: {
      winners: ['pv2'],
      mayRefuse: 'the offsets of the two are equal, and how much was written behind it is in no offset',
      why: 'three keys were written while it was master; its header still says the offset of its promotion',
    },
  },
  {
    name: 'the same one, running as a replica that waits for the old master',
    source: alone,
    server: '7.0.15',
    nodes: {
      pv1: before,
      pv2: {
        conf: [of('pv1')],
        info: {
          role: 'replica',
          of: addressOf('pv1'),
          replid: C,
          offset: 900,
          second: { replid: A, offset: 901 },
          noBacklog: true,
          keys: 12,
          changes: 3,
        },
        log: promotedAlone,
      },
    },
    sentinels: both,
    right: {
      winners: ['pv2'],
      mayRefuse: 'the offsets of the two are equal, and how much was written behind it is in no offset',
      why: 'three keys were written while it was master, and as a replica it still says the offset of its promotion',
    },
  },
  {
    name: 'a master was killed, came back with no key, was copied, took a few writes, and stopped in order',
    source: gone,
    server: '7.0.15',
    nodes: {
      pv1: cameBack([`09:00:00 M Synchronization with replica ${addressOf('pv2')}:6379 succeeded`, restart, ...second]),
      pv2: emptied,
    },
    sentinels: both,
    right: {
      winners: ['pv1', 'pv2'],
      refused: ['on-no-disk'],
      names: ['pv1'],
      why: 'what pv1 held before its restart is gone: its log has the end of that life, the one of pv2 its name',
    },
  },
  {
    name: 'the same with the log of the master rotated away up to its second life: the replica alone remembers the first',
    source: gone,
    server: '7.0.15',
    nodes: { pv1: cameBack(second.slice(1)), pv2: emptied },
    sentinels: both,
    right: {
      winners: ['pv1', 'pv2'],
      refused: ['on-no-disk'],
      names: ['pv1', 'pv2'],
      why: 'the replica followed pv1 in a history that nobody made any more, and then copied another one from it',
    },
  },
];
