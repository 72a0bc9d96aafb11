import { describe, expect, it } from 'vitest';
import { chooseSource, type SourceFacts } from '../../src/backup/choose.js';

const GIB = 1024n * 1024n * 1024n;

function facts(node: string, more: Partial<SourceFacts> = {}): SourceFacts {
  return {
    node,
    role: 'replica',
    linked: true,
    loading: false,
    lagBytes: 0n,
    silentSeconds: 0,
    usedMemoryBytes: GIB,
    availableMemoryBytes: 4n * GIB,
    overcommit: 1,
    diskFreeBytes: 10n * GIB,
    lastSnapshotBytes: GIB / 2n,
    lastSnapshotMemoryBytes: undefined,
    aof: true,
    disklessSync: true,
    keepsLineage: true,
    alone: false,
    ...more,
  };
}

const master = facts('pv1', { role: 'master', lagBytes: undefined, silentSeconds: undefined });
const noDisk = { diskFreeBytes: GIB / 2n };
const rdb = { kind: 'rdb', named: [] } as const;

describe('the source of a backup', () => {
  it('is the replica with the smallest lag, and the others are told why not', () => {
    const choice = chooseSource([master, facts('pv2', { lagBytes: 900n }), facts('pv3', { lagBytes: 10n })], rdb);
    expect(choice).toMatchObject({ ok: true, node: 'pv3' });
    expect(choice.ruledOut).toEqual([
      { node: 'pv2', why: 'it is further behind than pv3' },
      { node: 'pv1', why: 'it is the master, and pv3 can spare it the work' },
    ]);
  });

  it('is the same whatever the order in which nodes were seen', () => {
    const nodes = [master, facts('pv2'), facts('pv3')];
    for (const order of [nodes, nodes.toReversed(), [nodes[1], nodes[2], nodes[0]]]) {
      expect(chooseSource(order as SourceFacts[], rdb)).toMatchObject({ node: 'pv2' });
    }
  });

  it.each<[string, Partial<SourceFacts>, string]>([
    ['a link that is down', { linked: false }, 'its link to the master is down'],
    ['a sync under way', { loading: true }, 'syncs with its master right now'],
    ['a silent master', { silentSeconds: 61 }, 'has not heard from its master for 61 s'],
    ['a large lag', { lagBytes: 65n * 1024n * 1024n }, 'bytes behind the master'],
    ['no memory for the fork', { availableMemoryBytes: GIB / 5n }, 'less than a quarter'],
    ['strict overcommit', { availableMemoryBytes: GIB - 1n, overcommit: 2 }, 'vm.overcommit_memory is 2'],
    [
      'no disk for the file, by a sync that needs one, too',
      { ...noDisk, disklessSync: false },
      'repl-diskless-sync no',
    ],
    ['no disk, a sync nobody knows of', { ...noDisk, disklessSync: undefined }, 'could not be seen'],
    ['no disk, and no backlog', { ...noDisk, keepsLineage: false }, 'would change its replication id'],
  ])('is not a replica with %s, but the master, and it says so', (_, trouble, why) => {
    const choice = chooseSource([master, facts('pv2', trouble)], rdb);
    expect(choice).toMatchObject({ ok: true, node: 'pv1' });
    expect(choice.ok && choice.because).toContain(why);
  });

  it('is a named node, but not one that would fail', () => {
    expect(chooseSource([master, facts('pv2')], { kind: 'rdb', named: ['pv1'] })).toMatchObject({ node: 'pv1' });
    const refused = chooseSource([master, facts('pv2', { linked: false })], { kind: 'rdb', named: ['pv2'] });
    expect(refused).toMatchObject({ ok: false });
    expect(refused.ruledOut).toContainEqual({ node: 'pv2', why: 'its link to the master is down' });
  });

  it('of an AOF is only a node that writes one; the fork does not matter then', () => {
    const nodes = [master, facts('pv2', { aof: false }), facts('pv3', { availableMemoryBytes: 1n, diskFreeBytes: 1n })];
    expect(chooseSource(nodes, { kind: 'aof', named: [] })).toMatchObject({ ok: true, node: 'pv3' });
  });

  it('is streamed from where its disk has no room, before the master is loaded, and says so', () => {
    const choice = chooseSource([master, facts('pv2', noDisk)], rdb);
    expect(choice).toMatchObject({ ok: true, node: 'pv2', role: 'replica', way: 'stream' });
    expect(choice.ok && choice.because).toMatch(/is a replica, .* Streamed: its disk has \d+ bytes free/);
    expect(chooseSource([facts('pv2', noDisk), facts('pv3', { lagBytes: 99n })], rdb)).toMatchObject({
      node: 'pv3',
      way: 'bgsave',
      ruledOut: [{ node: 'pv2', why: expect.stringContaining('a snapshot of about') }],
    });
    expect(chooseSource([master, facts('pv2', noDisk)], { ...rdb, way: 'bgsave' })).toMatchObject({ node: 'pv1' });
  });

  it('is never a master that is streamed from, unless it is alone and named', () => {
    const stream = { kind: 'rdb', way: 'stream' } as const;
    const lone = { ...master, alone: true, keepsLineage: false };
    expect(chooseSource([master], { ...stream, named: ['pv1'] })).toMatchObject({ ok: false });
    expect(chooseSource([lone], { ...stream, named: [] })).toMatchObject({ ok: false });
    expect(chooseSource([{ ...lone, ...noDisk }], rdb)).toMatchObject({ ok: false });
    expect(chooseSource([lone], { ...stream, named: ['pv1'] })).toMatchObject({
      ok: true,
      role: 'master',
      way: 'stream',
    });
    expect(chooseSource([master, facts('pv2')], { ...stream, named: [] })).toMatchObject({
      node: 'pv2',
      way: 'stream',
    });
  });

  it('needs the memory for the fork, streamed or not', () => {
    const choice = chooseSource([facts('pv2', { availableMemoryBytes: 1n })], { ...rdb, way: 'stream' });
    expect(choice.ruledOut).toEqual([{ node: 'pv2', why: expect.stringContaining('less than a quarter') }]);
  });

  it('is nobody where no node was seen', () => {
    expect(chooseSource([], rdb)).toEqual({ ok: false, ruledOut: [] });
  });
});
