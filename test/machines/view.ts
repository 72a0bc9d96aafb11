import { infoFields, pairFields } from '../../src/lab/resp.js';
import { holds, notYet, type Probe } from '../../src/lab/until.js';
import { askNode } from './client.js';
import { type Fleet, type Machine, machinesOn } from './fleet.js';
import { until } from './until.js';

interface RedisView {
  readonly machine: Machine;
  readonly role: string;
  readonly replicas: number;
  readonly masterAddress: string | undefined;
  readonly linkUp: boolean;
  readonly busy: boolean;
  readonly offset: string;
}

interface SentinelView {
  readonly machine: Machine;
  readonly master: string;
  readonly flags: string;
  readonly replicas: number;
  readonly peers: number;
}

/** Fields of INFO that say that a redis is loading, saving or syncing. */
const busyFields = [
  'loading',
  'async_loading',
  'rdb_bgsave_in_progress',
  'aof_rewrite_in_progress',
  'aof_rewrite_scheduled',
  'master_sync_in_progress',
];

/** INFO of a redis, from the operator's namespace; rejects when it does not answer. */
export async function redisView(fleet: Fleet, machine: Machine): Promise<RedisView> {
  const info = infoFields(await askNode(fleet, machine, 'redis', 'INFO', 'all'));
  const role = info.get('role') ?? 'unknown';
  return {
    machine,
    role,
    replicas: Number(info.get('connected_slaves') ?? 0),
    masterAddress: info.get('master_host'),
    linkUp: info.get('master_link_status') === 'up',
    busy: busyFields.some((field) => (info.get(field) ?? '0') !== '0'),
    offset: info.get(role === 'master' ? 'master_repl_offset' : 'slave_repl_offset') ?? '',
  };
}

async function sentinelView(fleet: Fleet, machine: Machine): Promise<SentinelView> {
  const fields = pairFields(await askNode(fleet, machine, 'sentinel', 'SENTINEL', 'MASTER', fleet.group));
  return {
    machine,
    master: fields.get('ip') ?? '',
    flags: fields.get('flags') ?? '',
    replicas: Number(fields.get('num-slaves') ?? 0),
    peers: Number(fields.get('num-other-sentinels') ?? 0),
  };
}

/** The machine whose redis says it is master and that more than half of all sentinels name; undefined when there is none. */
export async function masterOf(fleet: Fleet): Promise<Machine | undefined> {
  const views = await Promise.all(
    machinesOn(fleet, 'redis').map((machine) => redisView(fleet, machine).catch(() => undefined)),
  );
  const sentinels = await Promise.all(
    machinesOn(fleet, 'sentinel').map((machine) => sentinelView(fleet, machine).catch(() => undefined)),
  );
  const all = fleet.machines.filter((machine) => machine.runs.includes('sentinel')).length;
  return views
    .flatMap((view) => (view?.role === 'master' ? [view.machine] : []))
    .find((machine) => sentinels.filter((view) => view?.master === machine.address).length * 2 > all);
}

/**
 * Waits until the machines that are on are settled, and returns the master: one, every other redis linked to it and
 * idle, every sentinel naming it without a doubt and knowing all others. `not`: a machine that must not be it any more.
 */
export async function untilSettled(fleet: Fleet, limitMs: number, not?: string): Promise<Machine> {
  return until('the machines to settle', limitMs, async () => {
    const [redis, sentinels] = await Promise.all([
      Promise.all(machinesOn(fleet, 'redis').map((machine) => redisView(fleet, machine))),
      Promise.all(machinesOn(fleet, 'sentinel').map((machine) => sentinelView(fleet, machine))),
    ]);
    return judgeRedis(redis, not) ?? judgeSentinels(fleet, redis, sentinels);
  });
}

/** Waits until every redis that is on has what its master has. */
export async function untilCaughtUp(fleet: Fleet, limitMs: number): Promise<void> {
  await until('the replicas to have everything', limitMs, async () => {
    const views = await Promise.all(machinesOn(fleet, 'redis').map((machine) => redisView(fleet, machine)));
    const offsets = new Set(views.map((view) => view.offset));
    return offsets.size === 1 ? holds(undefined) : notYet([...offsets].join(', '));
  });
}

function judgeRedis(views: readonly RedisView[], not: string | undefined): Probe<Machine> | undefined {
  const masters = views.filter((view) => view.role === 'master');
  const [master] = masters;
  if (master === undefined || masters.length > 1) return notYet(`${masters.length} masters`);
  if (master.machine.name === not) return notYet(`${not} is still the master`);
  const behind = views.find(
    (view) => view !== master && (!view.linkUp || view.masterAddress !== master.machine.address),
  );
  if (behind !== undefined) return notYet(`${behind.machine.name} is not linked to ${master.machine.name}`);
  if (master.replicas !== views.length - 1) return notYet(`${master.replicas} replicas are linked`);
  const busy = views.find((view) => view.busy);
  return busy === undefined ? undefined : notYet(`${busy.machine.name} is loading, saving or syncing`);
}

function judgeSentinels(fleet: Fleet, redis: readonly RedisView[], sentinels: readonly SentinelView[]): Probe<Machine> {
  const master = redis.find((view) => view.role === 'master')?.machine;
  if (master === undefined) return notYet('no master');
  const peers = fleet.machines.filter((machine) => machine.runs.includes('sentinel')).length - 1;
  const apart = sentinels.find(
    (view) =>
      view.master !== master.address ||
      view.flags !== 'master' ||
      view.replicas < redis.length - 1 ||
      view.peers < peers,
  );
  if (apart === undefined) return holds(master);
  return notYet(`the sentinel of ${apart.machine.name}: ${apart.master} ${apart.flags}, ${apart.peers} peers`);
}
