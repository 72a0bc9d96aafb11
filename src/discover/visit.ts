import { RunbookError } from '../errors.js';
import { defaultLimits, type Host } from '../hosts/host.js';
import { missedBy } from '../hosts/reading.js';
import type { ConfigFacts, FoundProcess, MachineFound, Visit } from '../model/found.js';
import type { HostEntry } from '../model/inventory.js';
import type { RawProcess } from '../model/raw-host.js';
import { known, type Seen } from '../model/seen.js';
import { decodeText } from '../redis/byte-text.js';
import { configFacts, includesIn } from './config-facts.js';
import { isSafeWord } from './safe-word.js';

const VISIT_MS = 30_000;
const CONFIG_BYTES = 1024 * 1024;
const MOST_INCLUDES = 16;

/** How a machine is opened; `entry` has no nodes yet. */
export type Open = (entry: HostEntry) => Promise<Host>;

/** A machine to go to. */
export interface VisitOrder {
  readonly name: string;
  readonly address: string;
  readonly entry: HostEntry;
  readonly isNamed: boolean;
  /** Files and directories that the operator named. */
  readonly places: readonly string[];
  /** Told why it could not be entered. */
  readonly failed?: (error: unknown) => void;
}

/** Goes to a machine and reads its processes, its units and its config files. Never rejects but with the signal's reason: a machine that cannot be entered is one that was not seen. */
export async function visit(order: VisitOrder, open: Open, signal: AbortSignal): Promise<Visit> {
  const { name, address, isNamed, entry } = order;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(VISIT_MS)]);
  const seen = await machine(order, open, bounded).catch((error: unknown): Seen<MachineFound> => {
    signal.throwIfAborted();
    order.failed?.(error);
    return missedBy(error, { host: name, source: 'visit' });
  });
  return { name, address, transport: entry.transport, isNamed, seen };
}

async function machine(order: VisitOrder, open: Open, signal: AbortSignal): Promise<Seen<MachineFound>> {
  const at = new Date().toISOString();
  const { host, become, note } = await entered(order.entry, open, signal);
  try {
    const limits = defaultLimits;
    const raw = await host.look({ groups: [], passwords: new Map(), limits }, signal);
    const running = (known(raw.processes) ?? []).filter((each) => isServer(each) && isOf(order.address, each));
    const places = await host.find(
      {
        places: order.places,
        directories: running
          .flatMap(({ cwd }) => [cwd, parentOf(cwd)])
          .filter((path) => path.startsWith('/') && path !== '/'),
        pids: running.map(({ pid }) => pid),
        mayBecome: become === 'sudo',
      },
      signal,
    );
    const named = running.flatMap((process) => namedConfig(process) ?? []);
    const paths = [...new Set([...places.configs, ...named, ...places.units.flatMap(({ configs }) => configs)])];
    const read = await Promise.all(paths.map((path) => factsAt(host, path, signal)));
    const unseen = raw.processes.ok ? [] : [`its processes could not be seen: ${raw.processes.detail}`];
    const value: MachineFound = {
      name: places.name,
      addresses: /^127\./.test(order.address) ? [] : places.addresses,
      units: places.units,
      become,
      processes: running.map((process) => foundProcess(process, places.unitOf[process.pid])),
      configs: read.flatMap((one) => (typeof one === 'object' ? [one] : [])),
      unread: [
        ...(note === undefined ? [] : [note]),
        ...unseen,
        ...read.flatMap((one) => (typeof one === 'string' ? [one] : [])),
      ],
    };
    return { ok: true, value, from: { host: order.name, source: 'visit' }, at };
  } finally {
    await host.close();
  }
}

/** The machine with the highest right that the login has without asking more of a person than fleet.yaml would. */
async function entered(entry: HostEntry, open: Open, signal: AbortSignal) {
  const first = await open(entry);
  try {
    if (entry.transport === 'local') return { host: first, become: 'none' as const, note: undefined };
    const rights = await first.rights(signal);
    if (rights.uid === 0) return { host: first, become: 'none' as const, note: undefined };
    if (rights.sudo === 'without-password' || rights.sudo === 'with-password')
      return { host: first, become: 'sudo' as const, note: undefined };
    await first.close();
    const says = rights.sudo === 'refused' ? (rights.sudoSays ?? 'refused') : 'it asks for a password';
    const note = `${rights.user} is not root there, and sudo cannot be used (${says}): what that user may not read was not seen`;
    return { host: await open({ ...entry, become: 'none' }), become: 'none' as const, note };
  } catch (error) {
    await first.close();
    throw error;
  }
}

async function factsAt(host: Host, path: string, signal: AbortSignal): Promise<ConfigFacts | string | undefined> {
  const view = host.named(path);
  const read = async (file: string) => {
    const bytes = await view.read(file, CONFIG_BYTES, signal);
    return bytes.ok ? decodeText(bytes.value) : bytes;
  };
  const text = await read(path);
  if (typeof text !== 'string') {
    if (text.why === 'absent') return undefined;
    return `${path} could not be read: ${text.detail}`;
  }
  const texts = new Map([[path, text]]);
  for (const include of includesIn(path, text).slice(0, MOST_INCLUDES)) {
    const more = await read(include);
    if (typeof more === 'string') texts.set(include, more);
  }
  return configFacts(path, texts);
}

function isServer({ title }: RawProcess): boolean {
  const program = title.split(' ')[0] ?? '';
  return /(^|\/)(redis|valkey)-(server|sentinel)$/.test(program) || /\[sentinel\]$/.test(title.trim());
}

/** Machines of a lab share their processes: one is of the machine whose address it listens on. */
function isOf(address: string, { listens }: RawProcess): boolean {
  if (!/^127\./.test(address) || address === '127.0.0.1') return true;
  return (
    listens.length === 0 || listens.some((at) => at.startsWith(`${address}:`) || /^(0\.0\.0\.0|\[?::\]?|\*):/.test(at))
  );
}

/** A server that has not started yet has the command line that it was started with. */
function namedConfig({ title }: RawProcess): string | undefined {
  return title.split(' ').find((word) => /^\/\S+\.conf$/.test(word));
}

function foundProcess(process: RawProcess, unit: string | undefined): FoundProcess {
  const { pid, title, listens, cwd } = process;
  const isSentinel =
    /\[sentinel\]$/.test(title.trim()) || /-sentinel( |$)/.test(title) || / --sentinel( |$)/.test(title);
  const config = namedConfig(process);
  return {
    pid,
    kind: isSentinel ? 'sentinel' : 'redis',
    isValkey: /valkey/.test(title.split(' ')[0] ?? ''),
    listens,
    cwd,
    ...(unit === undefined ? {} : { unit }),
    ...(config === undefined ? {} : { config }),
  };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Throws RunbookError `usage` for what cannot be the name of a machine. */
export function hostWord(word: string): { readonly user: string | undefined; readonly host: string } {
  const at = word.lastIndexOf('@');
  const [user, host] = at < 0 ? [undefined, word] : [word.slice(0, at), word.slice(at + 1)];
  const isHost = isSafeWord(host) || /^:[0-9A-Fa-f:.]{1,60}$/.test(host);
  if (isHost && (user === undefined || isSafeWord(user))) return { user, host };
  throw new RunbookError('usage', `${JSON.stringify(word)} cannot be the name of a machine.`, {
    facts: ['a HOST is an alias of ~/.ssh/config, an address, USER@ADDRESS, or localhost'],
    next: ['redis-runbook status HOST'],
  });
}
