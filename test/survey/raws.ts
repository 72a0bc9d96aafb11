import type { HostEntry, Inventory, NodeEntry } from '../../src/model/inventory.js';
import type { FileRole, RawContent, RawFile, RawHost, RawProcess, Resp } from '../../src/model/raw-host.js';
import type { From, Seen, WhyNot } from '../../src/model/seen.js';

const at = '2026-11-20T17:31:08.000Z';

const here: From = { host: 'pv1', source: 'test' };

export function seen<T>(value: T): Seen<T> {
  return { ok: true, value, from: here, at };
}

export function unseen(why: WhyNot, detail = ''): Seen<never> {
  return { ok: false, why, detail, from: here, at };
}

export function redisNode(more: Partial<NodeEntry> = {}): NodeEntry {
  return {
    kind: 'redis',
    id: 'pv1',
    host: 'pv1',
    address: '127.9.9.1',
    port: 6379,
    config: '/etc/redis/redis.conf',
    unit: 'redis-server',
    start: ['redis-server', '/etc/redis/redis.conf'],
    group: 'stn-master',
    ...more,
  };
}

export function sentinelNode(more: Partial<NodeEntry> = {}): NodeEntry {
  const { group: _group, ...node } = redisNode({ kind: 'sentinel', id: 'pv1/sentinel', port: 26379 });
  return { ...node, config: '/etc/redis/sentinel.conf', unit: 'redis-sentinel', ...more };
}

export function hostEntry(nodes: readonly NodeEntry[], more: Partial<HostEntry> = {}): HostEntry {
  return {
    name: 'pv1',
    address: '127.9.9.1',
    transport: 'local',
    become: 'none',
    service: 'process',
    state: '/var/lib/redis-runbook',
    nodes,
    line: 3,
    ...more,
  };
}

export function inventory(hosts: readonly HostEntry[]): Inventory {
  return { fleet: 'shop', file: 'fleet.yaml', groups: ['stn-master'], hosts, password: { from: 'node' } };
}

export function rawHost(more: Partial<RawHost> = {}): RawHost {
  return {
    host: 'pv1',
    address: '127.9.9.1',
    at,
    elapsedMs: 12,
    reached: seen(true as const),
    clockOffsetMs: seen(0),
    diskFreeBytes: seen(1e9),
    processes: seen([]),
    files: [],
    answers: [],
    ...more,
  };
}

export function file(role: FileRole, path: string, content: RawContent | WhyNot, more: Partial<RawFile> = {}): RawFile {
  const size = typeof content === 'string' ? 0 : 'text' in content ? content.text.length : 100;
  const stat = { sizeBytes: BigInt(size), mtimeMs: 1, ctimeMs: 1, mode: 0o640, uid: 1, gid: 1, device: 1n, inode: 1n };
  return {
    node: 'pv1',
    role,
    path,
    stat: typeof content === 'string' ? unseen(content, path) : seen({ ...stat, type: 'file' as const }),
    content: typeof content === 'string' ? unseen(content, path) : seen(content),
    ...more,
  };
}

export function answer(node: string, command: string, value: Resp): RawHost['answers'][number] {
  return { node, command, answer: seen(value) };
}

export function server(more: Partial<RawProcess> = {}): RawProcess {
  return {
    pid: 100,
    startedAtMs: 5,
    uid: 1,
    exe: '/usr/bin/redis-check-rdb',
    title: 'redis-server 127.9.9.1:6379',
    cwd: '/var/lib/redis',
    listens: ['127.9.9.1:6379'],
    ...more,
  };
}
