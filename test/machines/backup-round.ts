import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Listed, type ManifestJson, manifestIn } from '../live/backup-lab.js';
import { type Held, MARK, type SteadyWriter, writeSteadily } from '../live/backup-writer.js';
import { openNode } from './client.js';
import { type Machine, machineOf } from './fleet.js';
import { kinds, type MachineKind } from './kinds.js';
import { bootFleet } from './machines.js';
import type { Machines } from './shapes.js';
import { installTool } from './tool.js';

const names = ['pv1', 'pv2', 'pv3'] as const;
/** A moment that the server says as time left is rounded on its way. */
const ROUNDED_MS = 3;

/** A kind of machine whose server this machine's own cannot load, or may not be able to: the drill is held on a machine of the fleet. */
const drilledThere: readonly MachineKind[] = ['trixie', 'trixie-valkey'];

/**
 * Backups of booted machines of one kind over SSH as a user who becomes root by sudo: RDB and append-only files, of a
 * replica and of the master, under a steady write load. Each must hold key by key, expiries included, what its node held at
 * one moment of its history, be listed, verified and drilled, and leave nothing on the machines.
 */
export async function backupRound(kind: MachineKind): Promise<void> {
  const hosts = names.map((name) => ({ name, runs: ['redis', 'sentinel'] as const }));
  const machines = await bootFleet({ kind, hosts, persistence: 'aof', boot: false });
  try {
    if (drilledThere.includes(kind)) installTool(machineOf(machines.fleet, 'pv3'));
    await machines.boot(names);
    const master = await machines.untilSettled();
    await machines.untilCaughtUp();
    const replica = names.find((name) => name !== master) ?? '';
    const client = await openNode(machines.fleet, machineOf(machines.fleet, master), 'redis');
    const writer = writeSteadily(client, kind === 'bullseye-sysv');
    try {
      for (const node of [replica, master])
        for (const dataKind of ['rdb', 'aof'] as const) await oneBackup(machines, writer, node, master, dataKind);
    } finally {
      await writer.stop();
    }
    await proven(machines);
  } finally {
    await machines.down();
  }
}

function places(machines: Machines) {
  const operator = join(machines.directory, 'operator');
  return { repository: join(operator, 'backups'), config: join(operator, 'config') };
}

function backup(machines: Machines, args: readonly string[]) {
  const { repository, config } = places(machines);
  return machines.runbook(['backup', ...args, '--repository', repository], { env: { XDG_CONFIG_HOME: config } });
}

function backupsOf(machines: Machines): readonly Listed[] {
  const directory = join(places(machines).repository, 'machines', machines.group);
  return readdirSync(directory)
    .filter((name) => /^\d{8}T/.test(name))
    .sort()
    .map((name) => ({ name, path: join(directory, name), complete: !name.endsWith('.partial') }));
}

async function oneBackup(
  machines: Machines,
  writer: SteadyWriter,
  node: string,
  master: string,
  dataKind: 'rdb' | 'aof',
): Promise<void> {
  const begun = writer.count();
  const output = await backup(machines, ['create', node, '--kind', dataKind]);
  expect(output.status, `${node} ${dataKind}: ${output.stdout}${output.stderr}`).toBe(0);
  const ended = writer.count();
  const { path = '' } = backupsOf(machines).at(-1) ?? {};
  const manifest = await manifestIn(path);
  expect(manifest.source).toMatchObject({ node, role: node === master ? 'master' : 'replica' });
  expect(manifest.engine).toBe(dataKind === 'rdb' ? 'bgsave' : 'aof-link');
  const single = machineOf(machines.fleet, node).kind === 'bullseye-sysv';
  const parts = manifest.files.map((file) => file.path).filter((name) => name.startsWith('data/'));
  if (dataKind === 'aof' && single) expect(parts).toEqual(['data/appendonly.aof']);
  if (dataKind === 'aof' && !single) expect(parts).toContain('data/appendonlydir/appendonly.aof.manifest');

  const loaded = await loadedOn(machines, machineOf(machines.fleet, node), path, dataKind);
  const mark = Number(loaded.get(MARK)?.value);
  expect(mark).toBeGreaterThanOrEqual(dataKind === 'rdb' ? begun - 1 : 1);
  expect(mark).toBeLessThanOrEqual(ended + 1);
  expect([...snapped(loaded, writer.after(mark))].sort()).toEqual([...writer.after(mark)].sort());
  await offsetFits(manifest, writer, dataKind === 'rdb' ? mark : begun, mark);
  const left = await machines.asRoot(node, 'ls -a /var/lib/*/ | grep -c redis-runbook-backup');
  expect(left.stdout.trim()).toBe('0');
}

/** The manifest's offset lies behind transaction `from` and before the one after `mark`. */
async function offsetFits(manifest: ManifestJson, writer: SteadyWriter, from: number, mark: number): Promise<void> {
  const offset = BigInt(manifest.source.offset ?? -1);
  expect(offset).toBeGreaterThan(writer.offsetBefore(from) ?? 0n);
  await expect.poll(() => writer.offsetBefore(mark + 1), { timeout: 15_000 }).toBeDefined();
  expect(offset).toBeLessThanOrEqual(writer.offsetBefore(mark + 1) ?? 0n);
}

/** Where a server only tells the time that is left, the moment of an end is off by a little. */
function snapped(loaded: Held, wanted: Held): Held {
  const rows = [...loaded].map(([key, row]) => {
    const end = wanted.get(key)?.endsAt ?? -1;
    const near = row.endsAt >= 0 && Math.abs(row.endsAt - end) <= ROUNDED_MS;
    return [key, near ? { ...row, endsAt: end } : row] as const;
  });
  return new Map(rows);
}

const READ_ALL = `local rows = {}
for _, key in ipairs(redis.call("KEYS", "*")) do
  if key == "${MARK}" or string.sub(key, 1, 2) == "k:" then
    rows[#rows + 1] = { key, redis.call("GET", key), tostring(redis.call("PTTL", key)) }
  end
end
local now = redis.call("TIME")
return cjson.encode({ now = { now[1], now[2] }, rows = rows })`;

/** Loads a backup on the machine with its own server and no help of the tool, as somebody would who only has the files. */
async function loadedOn(machines: Machines, machine: Machine, path: string, dataKind: 'rdb' | 'aof'): Promise<Held> {
  const { family } = kinds[machine.kind];
  const directory = '/var/lib/plain';
  cpSync(join(path, 'data'), join(machine.root, directory), { recursive: true });
  const aof = dataKind === 'aof' ? 'yes' : 'no';
  const cli = `${family}-cli -p 6399`;
  const { stdout, stderr, status } = await machines.asRoot(
    machine.name,
    `cd ${directory} || exit 1
${family}-server --port 6399 --bind 127.0.0.1 --dir ${directory} --save '' --appendonly ${aof} > log 2>&1 &
tries=0
until [ "$(${cli} PING 2>&1)" = PONG ]; do
  tries=$((tries + 1)); [ $tries -lt 150 ] || { cat log >&2; exit 1; }; sleep 0.1
done
${cli} EVAL '${READ_ALL}' 0
${cli} SHUTDOWN NOSAVE
wait
cd / && rm -r ${directory}`,
  );
  expect(status, stderr).toBe(0);
  const { now, rows } = JSON.parse(stdout) as { now: [string, string]; rows: [string, string, string][] };
  const nowMs = Number(now[0]) * 1000 + Math.round(Number(now[1]) / 1000);
  return new Map(
    rows.map(([key, value, left]) => [key, { value, endsAt: Number(left) < 0 ? -1 : nowMs + Number(left) }]),
  );
}

/** All of them are listed as good, verified, and drilled by a server that fits. */
async function proven(machines: Machines): Promise<void> {
  const list = await backup(machines, ['list', '--json']);
  expect(list.status, list.stderr).toBe(0);
  expect(list.stdout.match(/"state":\s*"good"/g) ?? [], list.stdout).toHaveLength(4);
  const verified = await backup(machines, ['verify', '--all']);
  expect(verified.status, `${verified.stdout}${verified.stderr}`).toBe(0);
  const ids = backupsOf(machines).map(({ name }) => name.slice(-4));
  const { repository, config } = places(machines);
  const there = machineOf(machines.fleet, 'pv3');
  if (!drilledThere.includes(there.kind)) {
    const drill = await backup(machines, ['drill', ...ids]);
    expect(drill.status, `${drill.stdout}${drill.stderr}`).toBe(0);
    return;
  }
  const copy = join(there.root, 'root/copy');
  mkdirSync(copy, { mode: 0o700 });
  cpSync(repository, join(copy, 'backups'), { recursive: true });
  cpSync(config, join(copy, 'config'), { recursive: true });
  const drill = await machines.asRoot(
    there.name,
    `XDG_CONFIG_HOME=/root/copy/config redis-runbook backup drill ${ids.join(' ')} --repository /root/copy/backups`,
  );
  expect(drill.status, `${drill.stdout}${drill.stderr}`).toBe(0);
}
