import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addPart, noEvidence } from '../../src/hosts/remote/look/evidence.js';
import type { Exchange } from '../../src/hosts/remote/look/exchange.js';
import { clockOffset, systemOf, uidOf, unitsOf } from '../../src/hosts/remote/look/machine.js';
import { scanIn } from '../../src/hosts/remote/look/processes.js';
import { type LookRecord, labelled, nulWords, parseRecords } from '../../src/hosts/remote/look/records.js';
import { parseStatFields, replayOf } from '../../src/hosts/remote/look/replay.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';

const mark = 'a'.repeat(32);
const NUL = String.fromCharCode(0);
const signal = new AbortController().signal;

function record(kind: string, words: readonly string[], body: string): LookRecord {
  return { kind, words, body: Buffer.from(body, 'latin1') };
}

function printed(records: readonly LookRecord[], by = mark): Buffer {
  return Buffer.concat(
    records.map(({ kind, words, body }) =>
      Buffer.concat([Buffer.from(`\n${by} ${[kind, ...words].join(' ')}\n`), body]),
    ),
  );
}

describe('records', () => {
  it('come back byte for byte, whatever stands in front of them', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 });
    fc.assert(
      fc.property(bodies, fc.uint8Array({ maxLength: 50 }), (all, greeting) => {
        const records = all.map((body, index) => ({ kind: 'bytes', words: [String(index)], body: Buffer.from(body) }));
        const read = parseRecords(Buffer.concat([greeting, printed(records)]), mark);
        expect(read.map(({ kind, words }) => [kind, ...words])).toEqual(
          records.map((_, index) => ['bytes', `${index}`]),
        );
        for (const [index, { body }] of read.entries())
          expect(body.equals(records[index]?.body ?? greeting)).toBe(true);
      }),
    );
  });

  it('are as long as they came when the stream was cut', () => {
    const whole = printed([record('stat', [], 'one'), record('bytes', ['0'], 'two two two')]);
    for (let length = 0; length <= whole.length; length++) {
      const read = parseRecords(whole.subarray(0, length), mark);
      expect(read.length).toBeLessThanOrEqual(2);
      if (length >= whole.length - 4) expect(read[1]?.body.toString()).toMatch(/^two two/);
    }
  });

  it('have paths with every byte but NUL', () => {
    const { label, rest } = labelled(Buffer.from(`/a\nb\u00ff${NUL}${NUL}x`, 'latin1'));
    expect([label, rest.toString('latin1')]).toEqual(['/a\nb\udcff', `${NUL}x`]);
    expect(nulWords(Buffer.from(`a${NUL}b\nc${NUL}cut`))).toEqual(['a', 'b\nc']);
  });
});

describe('what another user said', () => {
  const inner = 'b'.repeat(32);
  const innermost = 'c'.repeat(32);
  const own = record('stat', [], `/var/lib/redis${NUL}4096 1.5 1.5 41e8 105 110 1 2`);

  it('is read by the mark of its frame alone', () => {
    const said = printed([record('stat', [], `/var/lib/redis/dump.rdb${NUL}9 1 1 81a0 105 110 1 3`)], innermost);
    const forged = printed([record('stat', [], `/etc/redis/redis.conf${NUL}lie`)], 'd'.repeat(32));
    const sub: LookRecord = { kind: 'sub', words: ['105:110'], body: Buffer.concat([said, forged]) };
    const body = printed([own, sub, record('done', [], '')], inner);
    const evidence = noEvidence();
    addPart(evidence, { kind: 'part', words: ['0'], body }, [inner, innermost]);
    expect([...evidence.paths.keys()]).toEqual(['/var/lib/redis', '/var/lib/redis/dump.rdb']);
    expect(evidence.complete).toBe(true);
  });

  it('is not complete when its end did not come', () => {
    const cut = noEvidence();
    addPart(cut, { kind: 'part', words: ['0'], body: printed([own], inner) }, [inner, innermost]);
    expect(cut.complete).toBe(false);
  });
});

describe('stat of a host', () => {
  it('is read from GNU and from busybox', () => {
    const gnu = '1400 1700000000.123456789 1700000001.000000000 81a0 105 110 65024 2314207';
    expect(parseStatFields(gnu)).toEqual({
      sizeBytes: 1400n,
      mtimeMs: 1700000000123.456,
      ctimeMs: 1700000001000,
      mode: 0o640,
      uid: 105,
      gid: 110,
      device: 65024n,
      inode: 2314207n,
      type: 'file',
    });
    expect(parseStatFields('0 1700000000 1700000001 a1ff 0 0 1 2')).toMatchObject({ type: 'link', mtimeMs: 1.7e12 });
    expect(parseStatFields("stat: cannot statx '/x': Permission denied")).toBeUndefined();
  });

  it('says why there is none as the kernel here would', async () => {
    const evidence = noEvidence();
    const says = (path: string, stat: string) => evidence.paths.set(path, { stat, ranges: [] });
    says('/gone', "stat: cannot statx '/gone': No such file or directory");
    says('/shut', "stat: can't stat '/shut': Permission denied");
    const replay = replayOf([evidence], { uid: 1000, note: '' });
    await expect(replay.stat('/gone')).rejects.toMatchObject({
      code: 'ENOENT',
      message: "ENOENT: no such file or directory, lstat '/gone'",
    });
    await expect(replay.open('/shut', 'refuse')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(replay.stat('/never')).rejects.toMatchObject({ code: 'ENOTASKED' });
    expect([[...replay.denied], [...replay.missing]]).toEqual([['/shut'], ['/never']]);
  });

  it('shows the bytes that were brought, and no others', async () => {
    const evidence = noEvidence();
    const stat = '200000 1 1 81a4 0 0 1 1';
    const ranges = [
      { fromByte: 0, bytes: Buffer.alloc(65536, 'h') },
      { fromByte: 131072, bytes: Buffer.alloc(200000 - 131072, 't') },
    ];
    evidence.paths.set('/f', { stat, opened: stat, ranges });
    const file = await replayOf([evidence], { uid: 0, note: '' }).open('/f', 'refuse');
    const read = async (from: bigint, to: bigint) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of file.chunks(signal, from, to)) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    expect(await read(0n, 3n)).toBe('hhh');
    expect(await read(199_998n, 200_000n)).toBe('tt');
    await expect(read(100_000n, 100_001n)).rejects.toMatchObject({ code: 'ENOTASKED' });
  });
});

describe('the processes of a host', () => {
  const net = record('net', [], 'net:[4026531840]\nbtime 1700000000\n');
  const sockets = record(
    'sockets',
    [],
    '   0: 0100000A:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 777 1 0 100\n',
  );

  function processRecord(pid: number, uid: number, cwd: string, inode: string): LookRecord {
    const link = (name: string, target: string) =>
      `lrwxrwxrwx 1 r r 0 Jan  1 00:00 /proc/${pid}/${name} -> ${target}\n`;
    const links = `${link('cwd', cwd)}${link('exe', '/usr/bin/redis-server')}${link('ns/net', 'net:[4026531840]')}`;
    const descriptors = `\n/proc/${pid}/fd:\ntotal 0\nlrwx------ 1 r r 64 Jan  1 00:00 6 -> socket:[${inode}]\n`;
    const stat = `${pid} (redis-server) S 1 ${pid} ${pid} 0 -1 4194560 ${'0 '.repeat(12)}12345 0 0`;
    const body = [stat, `${links}${descriptors}`, 'redis-server 10.0.0.1:6379', ''].join(NUL);
    return record('process', [`${pid}`, `${uid}`], body);
  }

  it('hold the sockets that the kernel says are theirs, not those that they name', () => {
    const records = [
      net,
      sockets,
      processRecord(812, 105, '/var/lib/redis', '777'),
      processRecord(666, 1000, '/tmp', '777'),
    ];
    expect(scanIn([records]).processes.map(({ pid, uid, listens }) => ({ pid, uid, listens }))).toEqual([
      { pid: 666, uid: 1000, listens: [] },
      { pid: 812, uid: 105, listens: ['10.0.0.1:6379'] },
    ]);
  });

  it('say nothing about themselves when they could be lying', () => {
    const cwd = '/tmp/x\nlrwxrwxrwx 1 r r 0 Jan  1 00:00 /proc/666/exe -> /usr/bin/other';
    const [liar] = scanIn([[net, sockets, processRecord(666, 1000, cwd, '1')]]).processes;
    expect(liar).toMatchObject({ exe: '' });
  });

  it('are not all there where other users are hidden, or nothing was listed', () => {
    expect(scanIn([[record('net', [], 'net:[1]\nhidden\n'), sockets]]).incomplete).toMatch(/hidepid/);
    expect(scanIn([[]]).incomplete).toMatch(/could not be listed/);
    expect(scanIn([[net, sockets]]).incomplete).toBeUndefined();
  });
});

describe('the machine', () => {
  const node: NodeEntry = {
    kind: 'redis',
    id: 'pv1',
    host: 'pv1',
    address: '10.0.0.1',
    port: 6379,
    config: '/etc/redis/redis.conf',
    unit: 'redis',
    start: [],
  };
  const entry: HostEntry = {
    name: 'pv1',
    address: '10.0.0.1',
    transport: 'ssh',
    become: 'sudo',
    service: 'auto',
    state: '/var/lib/redis-runbook',
    nodes: [node],
    line: 1,
  };
  const exchange = (records: readonly LookRecord[]): Exchange => ({
    records,
    parts: new Map(),
    complete: true,
    complaint: '',
    beganMs: 1_700_000_000_000,
    endedMs: 1_700_000_001_000,
  });
  const host = (date: string, sudo: string) =>
    record('host', [], `${date}\nLinux 6.1.0 x86_64\nsystemd\n1000\n${sudo}\n/usr/bin/redis-server\n`);

  it('says who we are there and what sudo answers', () => {
    const seen = exchange([host('1700000060.25', 'no sudo: a password is required')]);
    expect(uidOf(seen)).toBe(1000);
    expect(systemOf(seen, entry)).toMatchObject({
      ok: true,
      value: { init: 'systemd', uid: 1000, sudo: false, sudoSays: 'sudo: a password is required' },
    });
    expect(systemOf(exchange([]), entry).ok).toBe(false);
  });

  it('has a clock that is read at both ends of the exchange', () => {
    const both = exchange([host('1700000060.250000000', 'yes'), record('end', [], '1700000060.750000000\n')]);
    expect(clockOffset(both, entry)).toMatchObject({ ok: true, value: 60_000 });
    expect(clockOffset(exchange([host('1700000060', 'yes')]), entry)).toMatchObject({ ok: true, value: 60_500 });
  });

  it('has units by any of their names, without the secrets on their command lines', () => {
    const argv = '/usr/bin/redis-server /etc/redis/redis.conf --requirepass hunter2 --port 6379';
    const text = [
      'Id=redis-server.service',
      'Names=redis-server.service redis.service',
      'ActiveState=active',
      'MainPID=812',
      `ExecStart={ path=/usr/bin/redis-server ; argv[]=${argv} ; ignore_errors=no }`,
      '',
    ].join('\n');
    const units = unitsOf(exchange([record('units', [], text)]), entry);
    expect(units).toMatchObject({
      ok: true,
      value: [{ node: 'pv1', manager: 'systemd', properties: { MainPID: '812', ActiveState: 'active' } }],
    });
    expect(JSON.stringify(units)).not.toContain('hunter2');
  });

  it('has init scripts where there is no systemd, and no units for plain processes', () => {
    const script = exchange([record('script', ['redis'], '/etc/init.d/redis\n/etc/rc3.d/S20redis\n')]);
    expect(unitsOf(script, entry)).toMatchObject({
      value: [{ manager: 'sysvinit', properties: { Script: '/etc/init.d/redis', StartLinks: '/etc/rc3.d/S20redis' } }],
    });
    expect(unitsOf(exchange([]), { ...entry, service: 'process' })).toBeUndefined();
  });
});
