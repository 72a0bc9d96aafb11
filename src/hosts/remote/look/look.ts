import { setTimeout as delay } from 'node:timers/promises';
import { type HostEntry, placeOf } from '../../../model/inventory.js';
import type { RawAnswer, RawHost } from '../../../model/raw-host.js';
import type { From, Seen } from '../../../model/seen.js';
import { type Channel, KEY_IS_NEW } from '../../channel.js';
import type { Host, LookRequest, RedisAccess } from '../../host.js';
import { credentialsFor, processesOf } from '../../local-look.js';
import { type Listener, listenerAt, nodeAt, socketsAt } from '../../local-nodes.js';
import { distrust, type Machine } from '../../local-vouch.js';
import { lookAtAnswers } from '../../look-redis.js';
import { missed, reasonOf, saw } from '../../reading.js';
import { type RedisEndpoint, wordsOfPlace } from '../../redis-endpoint.js';
import { whyNotRoot } from '../sudo-rights.js';
import { firstTasks, type Task } from './command.js';
import { exchange, type RunAsRoot } from './exchange.js';
import { clockOffset, serversOf, systemOf, unitsOf } from './machine.js';
import { filesElsewhere, type NodeView, tasksElsewhere } from './node.js';
import { type Looking, type Sight, sightOf } from './sight.js';

/** How long the second exchange waits for what running nodes say of the places of their files. */
const ANSWERS_FIRST_MS = 500;

function listenerOf({ entry }: Looking, sight: Sight, view: NodeView): Listener {
  const { address, port } = placeOf(view.node);
  return listenerAt(address, port, entry.name, sight.scan);
}

function machineOf(sight: Sight, view: NodeView): Machine {
  return { files: view.replay, uid: sight.user.uid };
}

/** Redis through the host: a password only for a listener that the host's own process list shows to be the node's. */
function accessTo(looking: Looking, sight: Sight): RedisAccess {
  const { entry } = looking;
  return {
    entry,
    connect: looking.connect,
    vouch: async (endpoint: RedisEndpoint, signal): Promise<Seen<true>> => {
      const from: From = { host: entry.name, source: `/proc/net ${wordsOfPlace(endpoint)}` };
      const view = sight.views.find(({ node }) => node.id === endpoint.node && isAt(endpoint, placeOf(node)));
      if (view === undefined || nodeAt(entry, endpoint) === undefined)
        return missed('denied', `${wordsOfPlace(endpoint)} is no place of ${endpoint.node}`, from);
      if ((await looking.channel.mayHavePassword?.(signal)) === false) return missed('denied', KEY_IS_NEW, from);
      const listener = listenerOf(looking, sight, view);
      const reason = await distrust(view.node, view.config, listener, 'password', machineOf(sight, view));
      return reason === undefined ? saw(true, from) : missed('denied', reason, from);
    },
  };
}

function isAt(a: ReturnType<typeof placeOf>, b: ReturnType<typeof placeOf>): boolean {
  return a.address === b.address && a.port === b.port;
}

async function answersOf(looking: Looking, sight: Sight, view: NodeView): Promise<readonly RawAnswer[]> {
  const { request } = looking;
  const listener = listenerOf(looking, sight, view);
  const not = await distrust(view.node, view.config, listener, 'ask', machineOf(sight, view));
  const credentials = credentialsFor(view.node, request, view.config);
  const ask = { node: view.node, credentials, groups: request.groups, not };
  return lookAtAnswers(view.context, accessTo(looking, sight), ask);
}

/** What the first exchange could not see of the host's processes. */
function processTasks(looking: Looking, sight: Sight): readonly Task[] {
  const { scan } = sight;
  const listeners = sight.views.map((view) => listenerOf(looking, sight, view));
  const hidden = listeners.some(({ kind }) => kind === 'hidden');
  const places = sight.views.map(({ node }) => placeOf(node));
  const inodes = places.flatMap(({ address, port }) => socketsAt(address, port, scan).map(({ inode }) => inode));
  const unlisted = scan.incomplete !== undefined || scan.processes.some((process) => process.sockets === undefined);
  return [
    ...(sight.mayBecome && (hidden || unlisted) ? [{ task: 'processes' as const }] : []),
    ...(hidden && inodes.length > 0 ? [{ task: 'holder' as const, inodes }] : []),
  ];
}

/** The answers that can be had before the second exchange: of nodes whose config and listener are known. */
function earlyAnswers(looking: Looking, sight: Sight): ReadonlyMap<number, Promise<readonly RawAnswer[]>> {
  const ready = sight.views.filter(
    (view) =>
      view.configured && listenerOf(looking, sight, view).kind !== 'hidden' && sight.scan.incomplete === undefined,
  );
  return new Map(ready.map((view) => [view.part, answersOf(looking, sight, view)]));
}

async function elsewhereTasks(sight: Sight, early: ReadonlyMap<number, Promise<readonly RawAnswer[]>>) {
  const stop = new AbortController();
  const late = delay(ANSWERS_FIRST_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  const found = await Promise.all(
    sight.views.map(async (view) => {
      const answers = await Promise.race([early.get(view.part), late]);
      return answers === undefined ? [] : tasksElsewhere(view, answers);
    }),
  );
  stop.abort();
  return found.flat();
}

/** A second exchange, as root where sudo may help. A failed one leaves what was seen, and why there is no more. */
async function lookAgain(looking: Looking, sight: Sight, tasks: readonly Task[], asRoot: RunAsRoot | undefined) {
  const { channel, request, signal } = looking;
  const leftMs = request.limits.lookTimeoutMs - (performance.now() - looking.began);
  const limits = { ...request.limits, lookTimeoutMs: Math.max(1500, leftMs) };
  try {
    const second = await exchange(channel, { tasks, limits, asksSudo: false }, signal, asRoot);
    return await sightOf(looking, [...sight.exchanges, second]);
  } catch (error) {
    return sightOf(looking, sight.exchanges, asRoot ? `sudo: ${whyNotRoot(error)}` : reasonOf(error));
  }
}

function diskFree(looking: Looking, sight: Sight): Seen<number> {
  const places = sight.views.flatMap(({ config }) => config.places?.directory ?? []);
  const wanted = places.length > 0 ? places : ['/'];
  const from: From = { host: looking.entry.name, source: `statfs ${places.join(' ')}` };
  const all = sight.exchanges.flatMap(({ parts }) => [...parts.values()]);
  const free = wanted.map((path) =>
    all.map(({ freeBytes }) => freeBytes.get(path)).findLast((bytes) => bytes !== undefined),
  );
  const known = free.flatMap((bytes) => bytes ?? []);
  if (known.length < wanted.length) return missed('denied', `the free space of ${wanted.join(' ')} was not seen`, from);
  return saw(Math.min(...known), from);
}

function processesSeen(looking: Looking, sight: Sight): RawHost['processes'] {
  const { entry } = looking;
  const { incomplete } = sight.scan;
  if (incomplete !== undefined) return missed('denied', incomplete, { host: entry.name, source: '/proc' });
  return processesOf(
    entry,
    sight.views.map(({ config }) => config.places),
    sight.scan,
  );
}

async function rawHostOf(looking: Looking, sight: Sight, answers: readonly (readonly RawAnswer[])[], at: string) {
  const { entry } = looking;
  const files = await Promise.all(
    sight.views.map(async (view, index) => [...view.files, ...(await filesElsewhere(view, answers[index] ?? []))]),
  );
  const [first] = sight.exchanges;
  if (first === undefined) throw new TypeError('a look without an exchange');
  const units = unitsOf(first, entry);
  const raw: RawHost = {
    host: entry.name,
    address: entry.address,
    at,
    elapsedMs: Math.round(performance.now() - looking.began),
    reached: saw(true as const, { host: entry.name, source: 'look' }),
    clockOffsetMs: clockOffset(first, entry),
    diskFreeBytes: diskFree(looking, sight),
    processes: processesSeen(looking, sight),
    files: [...files.flat(), ...sight.state],
    answers: answers.flat(),
    system: systemOf(first, entry),
    servers: serversOf(first),
  };
  return units === undefined ? raw : { ...raw, units };
}

/**
 * Looks at a machine through a channel: everything in one exchange with the right of the login user, and in one more,
 * as root where fleet.yaml says `become: sudo`, what was denied to it or not found by it. As root no file is read with
 * more right than that of whoever may write its directory. Writes nothing. The result is what `Host.look` gives.
 *
 * `asRoot` runs a shell line as root; `sudo -n` when left out. `connect` as `Host.connect`; only the channel's own way
 * when left out. Rejects as the channel does when there is no connection,
 * and with RunbookError `unreachable` when no shell answers.
 */
export async function lookThrough(
  channel: Channel,
  entry: HostEntry,
  request: LookRequest,
  signal: AbortSignal,
  asRoot: RunAsRoot = (command, options, own) => channel.exec(`sudo -n ${command}`, options, own),
  connect: Host['connect'] = channel.forward,
): Promise<RawHost> {
  const at = new Date().toISOString();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(request.limits.lookTimeoutMs)]);
  const looking: Looking = { channel, connect, entry, request, signal: bounded, began: performance.now() };
  const asksSudo = entry.become === 'sudo';
  const asked = { tasks: firstTasks(entry), limits: request.limits, asksSudo };
  let sight = await sightOf(looking, [await exchange(channel, asked, bounded)]);
  const early = earlyAnswers(looking, sight);
  const moved = await elsewhereTasks(sight, early);
  const tasks = [
    ...processTasks(looking, sight),
    ...sight.stateAgain,
    ...sight.views.flatMap(({ again }) => again),
    ...moved,
  ];
  if (tasks.length > 0) sight = await lookAgain(looking, sight, tasks, sight.mayBecome ? asRoot : undefined);
  const seen = sight;
  const answers = await Promise.all(seen.views.map((view) => early.get(view.part) ?? answersOf(looking, seen, view)));
  return rawHostOf(looking, seen, answers, at);
}
