import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { RawHost, RawProcess, RawUnit } from '../../model/raw-host.js';
import type {
  Check,
  CheckId,
  CheckState,
  HostKeySight,
  HostProbe,
  HostRights,
  LoginRefusal,
  ManagerProbe,
  PlaceProbe,
} from '../../model/readiness.js';
import type { Seen } from '../../model/seen.js';
import type { Survey } from '../../model/survey.js';

/** Something that was tried: what came of it, or why nothing did. */
export type Tried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: LoginRefusal };

/** All that was tried on one host. */
export interface Examined {
  readonly entry: HostEntry;
  readonly login: Tried<HostRights>;
  readonly loginMs: number;
  readonly keys: readonly HostKeySight[];
  readonly probe: Tried<HostProbe> | undefined;
  readonly managers: ReadonlyMap<string, Tried<ManagerProbe>>;
  readonly raw: RawHost | undefined;
  /** What is wrong with the pidfile of a node, by node. */
  readonly pidFiles: ReadonlyMap<string, string>;
}

/** A node of an examined host with what the survey saw of it. */
export interface NodeSight {
  readonly node: NodeEntry;
  readonly process: Seen<RawProcess | null> | undefined;
  /** What it answers: its version, and its role when it is a redis. */
  readonly answers: Seen<string> | undefined;
  readonly unit: RawUnit | undefined;
  readonly heldBy: string | undefined;
}

/** The unit that drop-ins of a hold are written beside, and the place where they survive a boot. */
export const unitDirectory = '/etc/systemd/system';

/** The directory of a path; `/` for one without. */
export function directoryOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/';
}

/** The directory that a redis node keeps its data in, as its config says; undefined when that was not seen. */
export function dataDirectory(node: NodeEntry, survey: Survey): string | undefined {
  const seen = Object.values(survey.groups)
    .flatMap((group) => group.redis)
    .find((redis) => redis.node === node.id);
  if (seen === undefined || !seen.config.ok) return undefined;
  const { dir } = seen.config.value;
  return dir.startsWith('/') ? dir : undefined;
}

/** The directories that a recovery writes to on a host: data, configs, the tool's own, and where holds of units stand. */
export function directoriesOf(entry: HostEntry, survey: Survey): readonly string[] {
  const units = entry.service === 'auto' || entry.service === 'systemd' ? [unitDirectory] : [];
  const own = entry.nodes.flatMap((node) => [dataDirectory(node, survey) ?? [], directoryOf(node.config)].flat());
  return [...new Set([...own, entry.state, ...units])];
}

/** The nodes of a host as the survey saw them. */
export function nodesSeen(examined: Examined, survey: Survey): readonly NodeSight[] {
  const groups = Object.values(survey.groups);
  const units = examined.raw?.units?.ok ? examined.raw.units.value : [];
  return examined.entry.nodes.map((node): NodeSight => {
    const unit = units.find((each) => each.node === node.id);
    const redis = groups.flatMap((group) => group.redis).find((each) => each.node === node.id);
    const sentinel = groups.flatMap((group) => group.sentinels).find((each) => each.node === node.id);
    const seen = redis ?? sentinel;
    const heldBy = seen?.held.ok ? seen.held.value?.run : undefined;
    return { node, unit, heldBy, process: seen?.process, answers: answersOf(redis?.running ?? sentinel?.running) };
  });
}

function answersOf(running: Seen<{ readonly version: string; readonly role?: string }> | undefined) {
  if (running === undefined || !running.ok) return running;
  const { version, role } = running.value;
  return { ...running, value: role === undefined ? version : `${version}, ${role}` };
}

/** The place of a directory, when it was probed. */
export function placeOf(examined: Examined, path: string): PlaceProbe | undefined {
  return examined.probe?.ok ? examined.probe.value.places.find((place) => place.path === path) : undefined;
}

/** One check about a host, or about one of its nodes. */
export function check(
  examined: Examined,
  id: CheckId,
  state: CheckState,
  says: string,
  more: { readonly next?: string; readonly node?: string } = {},
): Check {
  return { id, host: examined.entry.name, state, says, ...more };
}
