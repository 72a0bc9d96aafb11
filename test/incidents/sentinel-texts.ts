import type { RawAnswer, Resp } from '../../src/model/raw-host.js';
import { addressOf, at, group } from './places.js';

/** What one sentinel believes; running, or by its file. */
export interface SentinelNow {
  readonly master: string;
  readonly epoch: number;
  readonly runs?: true;
  /** Of the master. */
  readonly flags?: string;
  /** Replicas that it knows; a running one has a row for each. */
  readonly replicas?: readonly ReplicaRow[];
  /** Hosts of the other sentinels; all that the night has, unless it says otherwise. */
  readonly peers?: readonly string[];
}

export interface ReplicaRow {
  readonly on: string;
  readonly offset: number;
  readonly flags?: string;
  readonly priority?: number;
}

/** sentinel.conf as a sentinel of that version rewrites it: known-slave before 5.0. */
export function sentinelConf(host: string, { master, epoch, replicas }: SentinelNow, server: string): string {
  const known = /^[234]\./.test(server) ? 'known-slave' : 'known-replica';
  return [
    'port 26379',
    'dir "/var/lib/redis"',
    ...(server.startsWith('2.') ? [] : [`sentinel myid ${idOf(host)}`]),
    `sentinel monitor ${group} ${addressOf(master)} 6379 2`,
    `sentinel config-epoch ${group} ${epoch}`,
    `sentinel leader-epoch ${group} ${epoch}`,
    ...(replicas ?? []).map(({ on }) => `sentinel ${known} ${group} ${addressOf(on)} 6379`),
    `sentinel current-epoch ${epoch}`,
    '',
  ].join('\n');
}

/** What a running one answers; nothing when it does not run. */
export function sentinelAnswers(host: string, sentinel: SentinelNow, server: string): readonly RawAnswer[] {
  if (!sentinel.runs) return [];
  const list = /^[234]\./.test(server) ? 'SLAVES' : 'REPLICAS';
  const said = (command: string, value: Resp): RawAnswer => ({
    node: `${host}/sentinel`,
    command,
    answer: { ok: true, value, from: { host, node: `${host}/sentinel`, source: command }, at },
  });
  const flags = sentinel.flags ?? 'master';
  return [
    said('INFO', infoOf(host, sentinel, server)),
    said('SENTINEL MYID', idOf(host)),
    said(`SENTINEL MASTER ${group}`, masterRow(sentinel, flags)),
    said(`SENTINEL ${list} ${group}`, (sentinel.replicas ?? []).map(replicaRow)),
    said(`SENTINEL SENTINELS ${group}`, (sentinel.peers ?? []).map(peerRow)),
    said(`SENTINEL CKQUORUM ${group}`, 'OK 3 usable Sentinels. Quorum and failover authorization can be reached'),
  ];
}

function infoOf(host: string, { master }: SentinelNow, server: string): string {
  const version = server.startsWith('valkey') ? '7.2.4' : server;
  return [
    `redis_version:${version}`,
    `run_id:${idOf(host)}`,
    'uptime_in_seconds:90000',
    'sentinel_masters:1',
    'sentinel_tilt:0',
    `master0:name=${group},status=ok,address=${addressOf(master)}:6379,slaves=2,sentinels=3`,
    '',
  ].join('\r\n');
}

function masterRow({ master, epoch, replicas }: SentinelNow, flags: string): Resp {
  return row({
    name: group,
    ip: addressOf(master),
    port: '6379',
    runid: 'e'.repeat(40),
    flags,
    'config-epoch': String(epoch),
    'num-slaves': String(replicas?.length ?? 0),
    'num-other-sentinels': '2',
    quorum: '2',
    'down-after-milliseconds': '30000',
    'failover-timeout': '180000',
  });
}

function replicaRow({ on, offset, flags, priority }: ReplicaRow): Resp {
  return row({
    name: `${addressOf(on)}:6379`,
    ip: addressOf(on),
    port: '6379',
    runid: 'e'.repeat(40),
    flags: flags ?? 'slave',
    'info-refresh': '800',
    'master-link-down-time': '4000',
    'master-link-status': 'err',
    'slave-priority': String(priority ?? 100),
    'slave-repl-offset': String(offset),
  });
}

function peerRow(host: string): Resp {
  return row({
    name: idOf(host),
    ip: addressOf(host),
    port: '26379',
    runid: idOf(host),
    flags: 'sentinel',
    'last-hello-message': '500',
    'last-ok-ping-reply': '300',
  });
}

function row(fields: Readonly<Record<string, string>>): Resp {
  return Object.entries(fields).flat();
}

function idOf(host: string): string {
  return [...host]
    .map((letter) => letter.charCodeAt(0).toString(16))
    .join('')
    .padEnd(40, '0');
}
