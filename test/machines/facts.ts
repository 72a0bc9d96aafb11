import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromJson } from '../../src/model/json.js';
import type { RawHost } from '../../src/model/raw-host.js';
import type { Survey } from '../../src/model/survey.js';
import type { Checked, CheckedFile } from './check.js';
import { type Fact, factsOfTool, type Said } from './facts-told.js';
import type { Machine } from './fleet.js';
import { placeOf } from './kinds.js';
import type { Machines } from './shapes.js';

type Facts = ReadonlyMap<string, Fact[1]>;

type Reached = Extract<Checked, { readonly reachable: true }>;

/**
 * What `status` says of the machines against what plain ssh and the servers' own client say, field by field: hosts,
 * processes, units, roles, links, keys, offsets, what the sentinels watch, and every file of data and configuration. The
 * machines are asked before and after, because offsets grow and sentinels rewrite their files: what the tool says must
 * lie between the two. Returns every difference in words; `count` = how many facts were compared.
 */
export async function compared(
  machines: Machines,
): Promise<{ readonly differences: readonly string[]; readonly count: number }> {
  const before = factsOfMachines(machines, await machines.check());
  const said: Facts = new Map(factsOfTool(machines, await statusOf(machines)));
  const after = factsOfMachines(machines, await machines.check());
  const names = [...new Set([...before.keys(), ...said.keys(), ...after.keys()])].sort();
  const differences = names.flatMap((name) => {
    const [old, told, now] = [before, said, after].map((facts) => facts.get(name) ?? 'nothing');
    return isBetween(old, told, now) ? [] : [`${name}: the tool says ${told}, the machine ${old}, then ${now}`];
  });
  return { differences, count: names.length };
}

function isBetween(old: Fact[1] | undefined, told: Fact[1] | undefined, now: Fact[1] | undefined): boolean {
  if (told === old || told === now) return true;
  if (typeof old !== 'bigint' || typeof told !== 'bigint' || typeof now !== 'bigint') return false;
  return old <= told && told <= now;
}

async function statusOf(machines: Machines): Promise<Said> {
  const path = join(machines.directory, 'operator', 'status-raw.json');
  const output = await machines.runbook(['status', '--json', '--save', path]);
  const { survey } = fromJson(output.stdout) as { survey: Survey };
  const { hosts } = fromJson(readFileSync(path, 'utf8')) as { hosts: readonly RawHost[] };
  return { survey, raw: hosts };
}

function factsOfMachines(machines: Machines, checked: readonly Checked[]): Facts {
  return new Map(
    checked.flatMap((one) => {
      const machine = machines.hosts.find((host) => host.name === one.host);
      const reached: Fact = [`${one.host} reachable`, String(one.reachable)];
      return one.reachable && machine ? [reached, ...ofMachine(machine, one)] : [reached];
    }),
  );
}

function ofMachine(machine: Machine, one: Reached): readonly Fact[] {
  const host = machine.name;
  const own = machine.runs.flatMap((node) => {
    const { unit, config } = placeOf(machine.kind, node);
    const sentinel = node === 'sentinel';
    const process = one.processes.find(({ command }) => command.endsWith('[sentinel]') === sentinel);
    const state = one.units[unit];
    return [
      [`${host} ${node} pid`, String(process?.pid ?? 'none')],
      [`${host} ${node} user`, process?.user ?? 'none'],
      [`${host} ${node} active`, state?.active ?? 'nothing'],
      [`${host} ${node} at boot`, state?.enabled ?? 'nothing'],
      ...one.files.filter(({ path }) => path === config).flatMap((file) => ofFile(host, file)),
    ] as Fact[];
  });
  const data = one.files.filter(({ path }) => isData(machine, path)).flatMap((file) => ofData(host, file));
  return [
    ...own,
    ...(machine.runs.includes('redis') ? data : []),
    ...(one.redis ? ofRedis(host, one.redis) : []),
    ...(one.sentinel ? ofSentinel(host, one.sentinel) : []),
  ];
}

function isData(machine: Machine, path: string): boolean {
  const { data } = placeOf(machine.kind, 'redis');
  const name = path.startsWith(`${data}/`) ? path.slice(data.length + 1) : '';
  return /^(dump\.rdb|appendonly\.aof|appendonlydir\/appendonly\.aof\.\d+\.(base|incr)\.(rdb|aof))$/.test(name);
}

function ofFile(host: string, file: CheckedFile): readonly Fact[] {
  return [
    ...ofData(host, file),
    [`${host} ${file.path} mode`, file.mode],
    [`${host} ${file.path} owner`, file.owner.split(':')[0] ?? ''],
  ];
}

function ofData(host: string, { path, bytes, modified }: CheckedFile): readonly Fact[] {
  return [
    [`${host} ${path} bytes`, BigInt(bytes)],
    [`${host} ${path} modified`, BigInt(modified)],
  ];
}

function ofRedis(host: string, info: Readonly<Record<string, string>>): readonly Fact[] {
  const isMaster = info.role === 'master';
  const keys = /keys=(\d+)/.exec(info.db0 ?? '')?.[1] ?? '0';
  const linked = Object.entries(info).flatMap(([name, value]) => {
    const [, ip, port, state] = /ip=([^,]+),port=(\d+),state=(\w+)/.exec(/^slave\d+$/.test(name) ? value : '') ?? [];
    return ip === undefined ? [] : [`${ip}:${port} ${state}`];
  });
  return [
    [`${host} role`, isMaster ? 'master' : 'replica'],
    [`${host} follows`, isMaster ? 'none' : `${info.master_host}:${info.master_port} ${info.master_link_status}`],
    [`${host} replication id`, info.master_replid ?? ''],
    [`${host} offset`, BigInt(info[isMaster ? 'master_repl_offset' : 'slave_repl_offset'] ?? '0')],
    [`${host} keys`, BigInt(keys)],
    [`${host} linked`, linked.sort().join(', ')],
  ];
}

function ofSentinel(host: string, master: Readonly<Record<string, string>>): readonly Fact[] {
  return [
    [`${host} watches`, `${master.ip}:${master.port}`],
    [`${host} flags`, (master.flags ?? '').split(',').sort().join(',')],
    [`${host} config epoch`, BigInt(master['config-epoch'] ?? '0')],
    [`${host} quorum`, master.quorum ?? ''],
    [`${host} other sentinels`, master['num-other-sentinels'] ?? ''],
    [`${host} replicas known`, master['num-slaves'] ?? ''],
    [`${host} down after`, master['down-after-milliseconds'] ?? ''],
    [`${host} failover timeout`, master['failover-timeout'] ?? ''],
  ];
}
