import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/model/formats.js';
import type { RawFile, RawHost } from '../../src/model/raw-host.js';
import { known, type NotSeen } from '../../src/model/seen.js';
import type { GroupSurvey, RedisSurvey, Survey } from '../../src/model/survey.js';
import { interpret } from '../../src/survey/interpret.js';
import { loadSurvey } from '../../src/survey/saved.js';

const recorded = (name: string) => loadSurvey(new URL(`../fixtures/raw/${name}.json`, import.meta.url).pathname);

async function surveyed(name: string): Promise<Survey> {
  const { inventory, raws } = await recorded(name);
  return interpret(inventory, raws);
}

function groupOf(survey: Survey): GroupSurvey {
  const group = survey.groups['stn-master'];
  if (!group) throw new Error('the survey has no stn-master');
  return group;
}

function nodeOf(survey: Survey, name: string): RedisSurvey {
  const node = groupOf(survey).redis.find((each) => each.node === name);
  if (!node) throw new Error(`the survey has no ${name}`);
  return node;
}

function events<K extends LogEvent['kind']>(node: RedisSurvey, kind: K): Extract<LogEvent, { kind: K }>[] {
  return (known(node.log) ?? []).filter((event): event is Extract<LogEvent, { kind: K }> => event.kind === kind);
}

describe('a healthy fleet', () => {
  it('runs, is linked to one master, and every sentinel sees the same', async () => {
    const survey = await surveyed('healthy');
    const { redis, sentinels } = groupOf(survey);
    const masters = redis.filter((node) => known(node.running)?.role === 'master');
    expect(masters.map((node) => node.node)).toEqual(['pv1']);
    const address = `${masters[0]?.address}:6379`;
    for (const node of redis) {
      expect(known(node.process)?.pid).toBe(known(node.running)?.pid);
      expect(known(node.running)?.replid).toBe(known(masters[0]?.running)?.replid);
      if (node.node !== 'pv1')
        expect(known(node.running)).toMatchObject({ masterAddress: address, masterLinkUp: true });
      expect(known(node.config)?.replicaOf?.port).toBe(node.node === 'pv1' ? undefined : 6379);
    }
    expect(sentinels).toHaveLength(5);
    for (const sentinel of sentinels) {
      const view = known(sentinel.view);
      expect(view).toMatchObject({ master: address, flags: ['master'], quorum: 2 });
      expect(view?.peers.map((peer) => peer.flags)).toEqual([['sentinel'], ['sentinel'], ['sentinel'], ['sentinel']]);
      expect(view?.replicas).toHaveLength(2);
      expect(known(view?.ckquorum)?.ok).toBe(true);
      expect(known(sentinel.running)?.myid).toBe(known(sentinel.file)?.myid);
      expect(known(sentinel.process)).not.toBeNull();
    }
    expect(survey.hosts.flatMap((host) => host.unknownProcesses)).toEqual([]);
    expect(survey.hosts.map((host) => host.lock.ok || host.lock.why)).toEqual(Array(5).fill('absent'));
  });

  it('has one password everywhere, told by hashes alone', async () => {
    const { redis, sentinels } = groupOf(await surveyed('healthy'));
    const hashes = redis.flatMap(({ config }) => [known(config)?.requirepassHash, known(config)?.masterauthHash]);
    const all = new Set([...hashes, ...sentinels.map(({ file }) => known(file)?.authPassHash)]);
    expect([...all]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });
});

describe('a cascade', () => {
  it('stopped cleanly shows three headers with three ids and the promotions that join them', async () => {
    const survey = await surveyed('cascade-clean');
    const nodes = groupOf(survey).redis;
    expect(nodes.map((node) => (node.process.ok ? node.process.value : 'unseen'))).toEqual([null, null, null]);
    expect(nodes.map((node) => (node.running.ok ? 'runs' : node.running.why))).toEqual(['absent', 'absent', 'absent']);
    const rdbs = nodes.map((node) => known(node.rdb));
    expect(new Set(rdbs.map((rdb) => rdb?.replid)).size).toBe(3);
    expect(rdbs.every((rdb) => rdb?.complete)).toBe(true);
    const promotions = nodes.flatMap((node) => events(node, 'promoted'));
    expect(promotions).toHaveLength(2);
    const [first, second] = promotions.sort((a, b) => Number(a.cut - b.cut));
    expect(second?.parent).toBe(first?.replid);
    const last = nodes.find((node) => known(node.rdb)?.replid === second?.replid);
    const epochs = groupOf(survey).sentinels.flatMap(({ file }) => known(file) ?? []);
    const highest = epochs.sort((a, b) => Number(b.configEpoch - a.configEpoch))[0];
    expect(highest?.master).toBe(`${last?.address}:6379`);
    expect(nodes.map((node) => events(node, 'saved').length > 0)).toEqual([true, true, true]);
  });

  it('killed with AOF shows append-only files to load and stale RDBs beside them', async () => {
    const nodes = groupOf(await surveyed('cascade-crash-aof')).redis;
    for (const node of nodes) {
      expect(known(node.config)?.appendonly).toBe(true);
      expect(known(node.aof)).toMatchObject({ layout: 'multi', empty: false, tail: 'clean' });
      expect(known(node.aof)?.files.map((file) => file.type)).toEqual(['base', 'incr']);
    }
    expect(nodes.some((node) => known(node.rdb)?.offset === 0n)).toBe(true);
    expect(nodes.some((node) => !node.rdb.ok && node.rdb.why === 'absent')).toBe(true);
  });

  it('killed with RDB alone shows no AOF, and knows that there is none', async () => {
    const nodes = groupOf(await surveyed('cascade-crash-rdb')).redis;
    expect(nodes.map((node) => (node.aof.ok ? 'seen' : node.aof.why))).toEqual(['absent', 'absent', 'absent']);
    expect(nodes.map((node) => known(node.config)?.save.length)).toEqual([1, 1, 1]);
    for (const node of nodes) expect(known(node.lastLogLine)?.localMs).toBeGreaterThan(0);
  });
});

describe('what was not seen', () => {
  const denied = (file: RawFile): RawFile => {
    const missing: NotSeen = { ok: false, why: 'denied', detail: 'EACCES', from: { host: '', source: '' }, at: '' };
    return { ...file, stat: missing, content: missing };
  };

  it('stays what it is: denied is not absent, and a missing config hides no other file', async () => {
    const { inventory, raws } = await recorded('cascade-clean');
    const blind = raws.map((raw) => ({ ...raw, files: raw.files.map(denied) }));
    const node = nodeOf(interpret(inventory, blind), 'pv2');
    const readings = [node.config, node.rdb, node.rdbStat, node.aof, node.log, node.lastLogLine, node.held];
    expect(readings.map((each) => (each.ok ? 'seen' : each.why))).toEqual(Array(7).fill('denied'));

    const bare = raws.map((raw) => ({
      ...raw,
      files: raw.files.map((each) => (each.role === 'redis.conf' ? denied(each) : each)),
    }));
    const without = nodeOf(interpret(inventory, bare), 'pv2');
    expect(without.config).toMatchObject({ ok: false, why: 'denied' });
    expect(known(without.rdb)?.complete).toBe(true);
  });

  it('takes the version from elsewhere and says so', async () => {
    const { inventory, raws } = await recorded('cascade-crash-aof');
    const source = (hosts: readonly RawHost[]) => nodeOf(interpret(inventory, hosts), 'pv1').config.from.source;
    const noLog = (raw: RawHost) => ({ ...raw, files: raw.files.filter((file) => file.role !== 'log') });
    expect(source(raws)).toContain('(version 7.0.15 from its log)');
    expect(source(raws.map((raw) => (raw.host === 'pv1' ? noLog(raw) : raw)))).toContain("read as pv2's version");
    const none = raws.map(noLog).map((raw) => ({ ...raw, files: raw.files.filter((file) => file.role !== 'rdb') }));
    expect(source(none)).toContain('read as 7.0.15: its version is unknown');
  });

  it('of a sentinel that monitors another group is known to be absent', async () => {
    const { inventory, raws } = await recorded('healthy');
    const other = interpret({ ...inventory, groups: ['stn-master', 'other'] }, raws);
    const sentinel = other.groups.other?.sentinels[0];
    expect(sentinel?.file).toMatchObject({ ok: false, why: 'absent' });
    expect(sentinel?.view).toMatchObject({ ok: false, why: 'not-asked' });
    expect(other.groups.other?.redis).toEqual([]);
  });

  it('never makes the reading of the rest throw, whatever the hosts sent', async () => {
    const { inventory, raws } = await recorded('cascade-crash-aof');
    const garbage = fc.oneof(
      fc.record({ text: fc.string({ unit: 'binary' }) }),
      fc.record({ head: fc.base64String(), tail: fc.base64String() }),
      fc.constant({ matches: [{ file: 'x', line: 1, text: 'x' }], tail: [] }),
    );
    const places = raws.flatMap((raw, host) => raw.files.map((_file, index) => ({ host, index })));
    fc.assert(
      fc.property(fc.constantFrom(...places), garbage, ({ host, index }, content) => {
        const bent = raws.map((raw, at) => ({
          ...raw,
          files: raw.files.map((file, n) =>
            at === host && n === index
              ? { ...file, content: { ok: true as const, value: content, from: { host: '', source: '' }, at: '' } }
              : file,
          ),
        }));
        expect(Object.keys(interpret(inventory, bent).groups)).toEqual(['stn-master']);
      }),
      { numRuns: 60 },
    );
  });

  it('of a fleet that nobody looked at is everything', async () => {
    const { inventory } = await recorded('healthy');
    const survey = interpret(inventory, []);
    expect(survey.hosts.every((host) => !host.reached.ok && host.reached.why === 'not-asked')).toBe(true);
    for (const node of groupOf(survey).redis) {
      const readings = [node.process, node.running, node.config, node.rdb, node.aof, node.log, node.held];
      expect(readings.map((each) => (each.ok ? 'seen' : each.why))).toEqual(Array(7).fill('not-asked'));
    }
  });
});
