import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileStat, RawHost, RawProcess } from '../../src/model/raw-host.js';
import { known, type Seen } from '../../src/model/seen.js';
import type { GroupSurvey, HostSurvey, RedisSurvey, SentinelSurvey, Survey } from '../../src/model/survey.js';
import type { Machine } from './fleet.js';
import { placeOf } from './kinds.js';
import type { Machines } from './shapes.js';

/** A fact of a fleet by name, such as `pv1 role`; whoever states it uses the same names. Numbers may grow. */
export type Fact = readonly [name: string, value: string | bigint];

/** What the tool said at one moment: its survey, and what it brought back of each host. */
export interface Said {
  readonly survey: Survey;
  readonly raw: readonly RawHost[];
}

/** Every fact of `status --json` and of what `--save` wrote. */
export function factsOfTool(machines: Machines, { survey, raw }: Said): readonly Fact[] {
  const group = survey.groups[machines.group];
  return survey.hosts.flatMap((host) => saidOfHost(machines, host, group, raw));
}

function saidOfHost(
  machines: Machines,
  host: HostSurvey,
  group: GroupSurvey | undefined,
  raw: readonly RawHost[],
): readonly Fact[] {
  const reached: Fact = [`${host.host} reachable`, String(host.reached.ok)];
  const machine = machines.hosts.find((one) => one.name === host.host);
  if (!host.reached.ok || !machine) return [reached];
  const users = usersOf(machine);
  const units = known(raw.find((one) => one.host === host.host)?.units) ?? [];
  const redis = group?.redis.find((node) => node.host === host.host);
  const sentinel = group?.sentinels.find((node) => node.host === host.host);
  const unit = (node: string) => units.find((one) => one.node === node)?.properties;
  return [
    reached,
    ...(redis ? saidOfNode(host.host, 'redis', redis.process, unit(redis.node), users) : []),
    ...(redis ? saidOfRedis(machine, redis, users) : []),
    ...(sentinel ? saidOfNode(host.host, 'sentinel', sentinel.process, unit(sentinel.node), users) : []),
    ...(sentinel ? saidOfSentinel(machine, sentinel, users) : []),
  ];
}

function usersOf(machine: Machine): ReadonlyMap<number, string> {
  const lines = readFileSync(join(machine.root, 'etc/passwd'), 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split(':')).map(([name = '', , uid]) => [Number(uid), name]));
}

function saidOfNode(
  host: string,
  kind: string,
  process: Seen<RawProcess | null>,
  unit: Readonly<Record<string, string>> | undefined,
  users: ReadonlyMap<number, string>,
): readonly Fact[] {
  const runs = process.ok ? process.value : undefined;
  const links = unit?.StartLinks;
  const boot = links === undefined ? unit?.UnitFileState : links === '' ? 'disabled' : 'enabled';
  // An init script knows no state of its own: the process is the state.
  const active = unit?.ActiveState ?? (runs ? 'active' : 'inactive');
  return [
    [`${host} ${kind} pid`, runs === undefined ? 'not seen' : String(runs?.pid ?? 'none')],
    [`${host} ${kind} user`, runs ? (users.get(runs.uid) ?? String(runs.uid)) : 'none'],
    [`${host} ${kind} active`, active],
    [`${host} ${kind} at boot`, boot ?? 'nothing'],
  ];
}

function saidOfRedis(machine: Machine, node: RedisSurvey, users: ReadonlyMap<number, string>): readonly Fact[] {
  const host = machine.name;
  const { config, data } = placeOf(machine.kind, 'redis');
  const aof = known(node.aof)?.files.filter(({ type }) => type !== 'history') ?? [];
  const running = known(node.running);
  return [
    ...saidOfFile(host, config, known(node.configStat), users),
    ...saidOfData(host, `${data}/dump.rdb`, known(node.rdbStat)),
    ...aof.flatMap((file) => saidOfData(host, file.path, file)),
    ...(running === undefined
      ? []
      : ([
          [`${host} role`, running.role],
          [
            `${host} follows`,
            running.role === 'master' ? 'none' : `${running.masterAddress} ${running.masterLinkUp ? 'up' : 'down'}`,
          ],
          [`${host} replication id`, running.replid],
          [`${host} offset`, running.offset],
          [`${host} keys`, running.keys],
          [
            `${host} linked`,
            running.replicas
              .map(({ address, state }) => `${address} ${state}`)
              .sort()
              .join(', '),
          ],
        ] as Fact[])),
  ];
}

function saidOfSentinel(machine: Machine, node: SentinelSurvey, users: ReadonlyMap<number, string>): readonly Fact[] {
  const host = machine.name;
  const view = known(node.view);
  const file = saidOfFile(host, placeOf(machine.kind, 'sentinel').config, known(node.fileStat), users);
  if (view === undefined) return file;
  return [
    ...file,
    [`${host} watches`, view.master],
    [`${host} flags`, [...view.flags].sort().join(',')],
    [`${host} config epoch`, view.configEpoch],
    [`${host} quorum`, String(view.quorum)],
    [`${host} other sentinels`, String(view.peers.length)],
    [`${host} replicas known`, String(view.replicas.length)],
    [`${host} down after`, String(view.downAfterMs)],
    [`${host} failover timeout`, String(view.failoverTimeoutMs)],
  ];
}

function saidOfFile(
  host: string,
  path: string,
  stat: FileStat | undefined,
  users: ReadonlyMap<number, string>,
): readonly Fact[] {
  if (stat === undefined) return [];
  return [
    ...saidOfData(host, path, stat),
    [`${host} ${path} mode`, stat.mode.toString(8)],
    [`${host} ${path} owner`, users.get(stat.uid) ?? String(stat.uid)],
  ];
}

function saidOfData(
  host: string,
  path: string,
  stat: Pick<FileStat, 'sizeBytes' | 'mtimeMs'> | undefined,
): readonly Fact[] {
  if (stat === undefined) return [];
  return [
    [`${host} ${path} bytes`, stat.sizeBytes],
    [`${host} ${path} modified`, BigInt(Math.floor(stat.mtimeMs / 1000))],
  ];
}
