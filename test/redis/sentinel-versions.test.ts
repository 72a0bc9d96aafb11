import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyedHash } from '../../src/model/secret.js';
import { applySentinelIntent, differsOutsideGenerated } from '../../src/redis/edit-sentinel.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';

/** A file as that version leaves it, two groups and lines of a person around the marker; what a new master takes out of it. */
interface Written {
  readonly version: string;
  readonly monitor: string;
  /** Epoch lines of the group, and what is put into their place. */
  readonly epochs: Readonly<Record<string, string>>;
  readonly gone: readonly string[];
  readonly replicas: readonly string[];
  readonly sentinels: readonly string[];
  readonly scripts: readonly string[];
  /** Up to 3.0 a sentinel draws a new id at every start and writes none. */
  readonly myid?: string;
}

const myid = '1c37f78f06d51baed5ba1334f20605235de9b663';
const reconfig = 'client-reconfig-script /opt/vip.sh';
const scripts = ['notification-script /opt/tell.sh', reconfig];
const sentinels = ['10.0.10.2:26379', '10.0.10.3:26379'];
const epochs = {
  'sentinel config-epoch shop 11': 'sentinel config-epoch shop 1041',
  'sentinel current-epoch 40': 'sentinel current-epoch 1041',
};

const written: readonly Written[] = [
  {
    version: '2.8.4',
    monitor: 'sentinel monitor shop 10.0.10.2 6379 2',
    // It knows no current-epoch, and ends at once over a line that it does not know.
    epochs: { 'sentinel config-epoch shop 3': 'sentinel config-epoch shop 1041' },
    // Of the promoted one twice in a failover: a mistake of that version.
    gone: ['sentinel known-slave shop 10.0.10.2 6379', 'sentinel known-slave shop 10.0.10.3 6379'],
    replicas: ['10.0.10.2:6379', '10.0.10.3:6379'],
    sentinels,
    scripts,
  },
  {
    version: '3.2.12',
    monitor: 'sentinel monitor shop 10.0.10.2 6379 2',
    epochs,
    gone: [
      'sentinel leader-epoch shop 12',
      'sentinel known-slave shop 10.0.10.3 6379',
      'sentinel known-slave shop 10.0.10.1 6379',
    ],
    replicas: ['10.0.10.3:6379', '10.0.10.1:6379'],
    sentinels,
    scripts,
    myid,
  },
  {
    version: '6.0.20',
    monitor: 'sentinel monitor shop 10.0.10.2 6379 2',
    epochs,
    gone: [
      'sentinel leader-epoch shop 12',
      'sentinel known-replica shop 10.0.10.3 6379',
      'sentinel known-replica shop 10.0.10.1 6379',
    ],
    replicas: ['10.0.10.3:6379', '10.0.10.1:6379'],
    sentinels,
    scripts,
    myid,
  },
  {
    version: '6.2.16',
    monitor: 'SENTINEL monitor shop redis-2.shop.example 6379 2',
    epochs,
    gone: [
      'sentinel leader-epoch shop 12',
      'sentinel known-replica shop redis-3.shop.example 6379',
      'sentinel known-replica shop 10.0.10.1 6379',
    ],
    replicas: ['redis-3.shop.example:6379', '10.0.10.1:6379'],
    sentinels,
    scripts: [reconfig],
    myid,
  },
  {
    version: '7.0.15',
    monitor: 'sentinel monitor shop 10.0.10.2 6379 2',
    epochs,
    gone: [
      'sentinel leader-epoch shop 12',
      'sentinel known-replica shop 10.0.10.3 6379',
      'sentinel known-replica shop 10.0.10.1 6379',
    ],
    replicas: ['10.0.10.3:6379', '10.0.10.1:6379'],
    sentinels,
    scripts: [],
    myid,
  },
];

function fixture(version: string): string {
  return readFileSync(new URL(`../fixtures/sentinel/${version}.conf`, import.meta.url), 'utf8');
}

describe.each(written)('a sentinel.conf as $version writes it', ({ version, ...file }) => {
  const text = fixture(version);

  test('is read', () => {
    const read = parseSentinelFile('/s.conf', text, 'shop');
    expect(read.knownReplicas).toEqual(file.replicas);
    expect(read.knownSentinels.map(({ address }) => address)).toEqual(file.sentinels);
    expect(read).toMatchObject({ quorum: 2, otherGroups: ['jobs'], authPassHash: keyedHash('#s3cret;1') });
    expect(read.scripts).toEqual(file.scripts);
    expect(read.myid).toBe(file.myid);
    expect(`${file.monitor.split(' ').slice(3, 5).join(':')}`).toBe(read.master);
    expect(JSON.stringify(read.lines)).not.toMatch(/s3cret|jobs-pass|peer-pass|own-pass/);
  });

  test('gets its new master: every other line is there byte for byte and in its place', () => {
    const master = { host: '10.0.10.1', port: 6379 };
    const intent = { kind: 'sentinel.conf', group: 'shop', master, epoch: 1041n, forget: [] } as const;
    const expected = text.split('\n').flatMap((line) => {
      if (file.gone.includes(line)) return [];
      if (line === file.monitor) return ['sentinel monitor shop 10.0.10.1 6379 2'];
      return [file.epochs[line] ?? line];
    });
    const made = applySentinelIntent(text, intent);
    expect(made.text.split('\n')).toEqual(expected);
    expect(differsOutsideGenerated(text, made.text, 'shop')).toEqual([]);
    expect(applySentinelIntent(made.text, intent).text).toBe(made.text);
    expect(made.diff.join('\n')).not.toMatch(/s3cret|jobs-pass|peer-pass|own-pass/);
    // What the table names is all in the file: a line that was misspelt would prove nothing.
    for (const line of [...file.gone, file.monitor, ...Object.keys(file.epochs)])
      expect(text.split('\n')).toContain(line);
  });

  test('keeps the other group as it is when that one gets a new master', () => {
    const master = { host: '10.0.20.2', port: 6380 };
    const made = applySentinelIntent(text, { kind: 'sentinel.conf', group: 'jobs', master, epoch: 1041n, forget: [] });
    const ofShop = (content: string) => content.split('\n').filter((line) => / shop /.test(line));
    expect(ofShop(made.text)).toEqual(ofShop(text));
    expect(parseSentinelFile('/s.conf', made.text, 'jobs')).toMatchObject({
      master: '10.0.20.2:6380',
      knownReplicas: [],
      authPassHash: keyedHash('jobs-pass'),
    });
  });
});
