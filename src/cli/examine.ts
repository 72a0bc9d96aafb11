import { directoriesOf, type Examined, type Tried } from '../diagnosis/readiness/examined.js';
import { RunbookError } from '../errors.js';
import { defaultLimits, type Host, type WritableHost } from '../hosts/host.js';
import { reasonOf } from '../hosts/reading.js';
import type { Inventory, Passwords } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { HostKeySight, HostRights, ManagerProbe } from '../model/readiness.js';
import type { Survey } from '../model/survey.js';
import { surveyFleet } from '../survey/survey.js';
import type { Context } from './context.js';

/** What is examined, and what is known already. */
export interface Examination {
  readonly inventory: Inventory;
  readonly passwords: Passwords;
  readonly hosts: readonly WritableHost[];
  /** The keys that were shown on the way to a host. */
  keysOf(host: string): readonly HostKeySight[];
  /** A survey of a moment ago, so that nobody looks twice. */
  readonly seen?: { readonly survey: Survey; readonly raw: readonly RawHost[] };
}

interface LoggedIn {
  readonly host: WritableHost;
  readonly login: Tried<HostRights>;
  readonly loginMs: number;
}

/** Whatever fails becomes the reason why there is nothing; only the end of the command is thrown. */
async function tried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<Tried<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RunbookError)) {
      return { ok: false, refusal: { word: 'unreachable', message: reasonOf(error), facts: [], next: [] } };
    }
    const { word, message, facts, next } = error;
    return { ok: false, refusal: { word, message, facts, next } };
  }
}

async function logIn(host: WritableHost, signal: AbortSignal): Promise<LoggedIn> {
  const began = performance.now();
  const login = await tried(() => host.rights(signal), signal);
  return { host, login, loginMs: Math.round(performance.now() - began) };
}

/**
 * Tries on every host, side by side, what a recovery will need, and changes nothing: login first (a person may have to
 * answer), then a look at those that let us in, then the probes.
 */
export async function examine(
  what: Examination,
  context: Context,
): Promise<{ readonly examined: readonly Examined[]; readonly survey: Survey }> {
  const { signal } = context;
  const logins = await Promise.all(what.hosts.map((host) => logIn(host, signal)));
  const reached = logins.filter(({ login }) => login.ok).map(({ host }) => host);
  const { survey, raw } = what.seen ?? (await look(what, reached, context));
  const examined = await Promise.all(logins.map((one) => examineHost(one, survey, raw, what, signal)));
  return { examined, survey };
}

async function look(what: Examination, hosts: readonly Host[], context: Context) {
  const { inventory, passwords } = what;
  const request = { groups: inventory.groups, passwords, limits: defaultLimits };
  return surveyFleet(inventory, hosts, request, context.now, context.signal);
}

async function examineHost(
  { host, login, loginMs }: LoggedIn,
  survey: Survey,
  raws: readonly RawHost[],
  what: Examination,
  signal: AbortSignal,
): Promise<Examined> {
  const { entry } = host;
  const known = {
    entry,
    login,
    loginMs,
    keys: what.keysOf(entry.name),
    raw: raws.find((raw) => raw.host === entry.name),
  };
  if (!login.ok) return { ...known, probe: undefined, managers: new Map(), pidFiles: new Map() };
  const { sudo, uid } = login.value;
  const mayBecome = uid === 0 || sudo === 'without-password' || sudo === 'with-password';
  const directories = directoriesOf(entry, survey);
  const [probe, managers, pidFiles] = await Promise.all([
    tried(() => host.probe({ directories, mayBecome }, signal), signal),
    managersOf(host, signal),
    pidFilesOf(host, signal),
  ]);
  return { ...known, probe, managers, pidFiles };
}

async function pidFilesOf(host: WritableHost, signal: AbortSignal): Promise<Examined['pidFiles']> {
  const pairs = host.entry.nodes.map(async (node): Promise<readonly [string, string][]> => {
    const found = await tried(async () => host.service(node).pidFileTrouble?.(signal), signal);
    return found.ok && found.value !== undefined ? [[node.id, found.value]] : [];
  });
  return new Map((await Promise.all(pairs)).flat());
}

async function managersOf(host: WritableHost, signal: AbortSignal): Promise<Examined['managers']> {
  const pairs = host.entry.nodes.map(async (node): Promise<readonly [string, Tried<ManagerProbe>][]> => {
    const found = await tried(async () => host.service(node).manager?.(signal), signal);
    if (!found.ok) return [[node.id, found]];
    return found.value === undefined ? [] : [[node.id, { ok: true, value: found.value }]];
  });
  return new Map((await Promise.all(pairs)).flat());
}
