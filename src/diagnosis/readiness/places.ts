import type { NodeEntry } from '../../model/inventory.js';
import type { Check, PlaceProbe } from '../../model/readiness.js';
import type { Survey } from '../../model/survey.js';
import { check, dataDirectory, directoryOf, type Examined, placeOf, unitDirectory } from './examined.js';

/** Configs, holds and the lock are small; this much is more than they ever need. */
const SMALL_BYTES = 4_000_000n;
/** A file system in memory is empty after a boot. */
const inMemory: ReadonlySet<string> = new Set(['tmpfs', 'ramfs']);

/** Tools, servers, and the directories that a recovery writes to: room, right, and whether what is written lasts. */
export function machineChecks(examined: Examined, survey: Survey): readonly Check[] {
  const { probe } = examined;
  if (probe === undefined) return [];
  if (!probe.ok) {
    const { message, next } = probe.refusal;
    const more = next[0] === undefined ? {} : { next: next[0] };
    return [check(examined, 'tools', 'unseen', `the machine could not be looked at: ${message}`, more)];
  }
  return [
    ...toolChecks(examined, probe.value.missingTools),
    ...serverChecks(examined),
    ...diskChecks(examined, survey),
    ...writableChecks(examined, survey),
    ...holdChecks(examined),
  ];
}

function toolChecks(examined: Examined, missing: readonly string[]): readonly Check[] {
  const { name } = examined.entry;
  if (missing.length === 0) return [check(examined, 'tools', 'ok', 'every tool that the scripts use')];
  const words = missing.map((tool) => tool.replaceAll('|', ' or ')).join(', ');
  return [check(examined, 'tools', 'problem', `not there: ${words}`, { next: `install on ${name}: ${words}` })];
}

function serverChecks(examined: Examined): readonly Check[] {
  const programs = examined.probe?.ok ? examined.probe.value.programs : [];
  const { name } = examined.entry;
  const next = `redis-server --version   on ${name}`;
  if (programs.length === 0) {
    return [check(examined, 'server', 'problem', 'neither redis-server nor valkey-server is on the path', { next })];
  }
  return programs.map(({ path, version }) =>
    version === ''
      ? check(examined, 'server', 'problem', `${path} does not tell its version`, { next })
      : check(examined, 'server', 'ok', `${path} ${version}`),
  );
}

/** What a recovery may write below each directory: a new dump beside the old one, a copy of the AOF, small files elsewhere. */
function needs(examined: Examined, survey: Survey): ReadonlyMap<string, bigint> {
  const wanted = new Map<string, bigint>([[examined.entry.state, SMALL_BYTES]]);
  for (const node of examined.entry.nodes) {
    const config = directoryOf(node.config);
    wanted.set(config, wanted.get(config) ?? SMALL_BYTES);
    const data = node.kind === 'redis' ? dataDirectory(node, survey) : undefined;
    if (data !== undefined) wanted.set(data, (wanted.get(data) ?? 0n) + dataBytes(examined, node, survey));
  }
  return wanted;
}

/** One more dump (never larger than what is in memory, or than the last one), and one more AOF. */
function dataBytes(examined: Examined, node: NodeEntry, survey: Survey): bigint {
  const redis = Object.values(survey.groups)
    .flatMap((group) => group.redis)
    .find((each) => each.node === node.id);
  const info = examined.raw?.answers.find((each) => each.node === node.id && each.command.startsWith('INFO'))?.answer;
  const text = info?.ok && typeof info.value === 'string' ? info.value : '';
  const memory = BigInt(/^used_memory:(\d+)/m.exec(text)?.[1] ?? 0);
  const dump = redis?.rdbStat.ok ? redis.rdbStat.value.sizeBytes : 0n;
  const aof = (examined.raw?.files ?? [])
    .filter((file) => file.node === node.id && file.role === 'aof')
    .reduce((sum, file) => sum + (file.stat.ok ? file.stat.value.sizeBytes : 0n), 0n);
  return (memory > dump ? memory : dump) + aof + SMALL_BYTES;
}

/** Directories of one file system share its room. */
function diskChecks(examined: Examined, survey: Survey): readonly Check[] {
  const byMount = new Map<string, { place: PlaceProbe; paths: string[]; bytes: bigint }>();
  const unseen: string[] = [];
  for (const [path, bytes] of needs(examined, survey)) {
    const place = placeOf(examined, path);
    if (place?.freeBytes === undefined) {
      unseen.push(path);
      continue;
    }
    const one = byMount.get(place.mount) ?? { place, paths: [], bytes: 0n };
    byMount.set(place.mount, { place, paths: [...one.paths, path], bytes: one.bytes + bytes });
  }
  const seen = [...byMount.values()].map(({ place, paths, bytes }) => {
    const free = place.freeBytes ?? 0n;
    const says = `${paths.join(' ')} need up to ${megabytes(bytes)}, free ${megabytes(free)}`;
    if (free >= bytes) return check(examined, 'disk', 'ok', says);
    return check(examined, 'disk', 'problem', says, { next: `df -h ${place.mount}   on ${examined.entry.name}` });
  });
  if (unseen.length === 0) return seen;
  return [...seen, check(examined, 'disk', 'unseen', `the room below ${unseen.join(' ')} was not seen`)];
}

function megabytes(bytes: bigint): string {
  const whole = Number(bytes) / 1e6;
  return whole >= 10_000 ? `${Math.round(whole / 1000)} GB` : `${Math.ceil(whole)} MB`;
}

function writableChecks(examined: Examined, survey: Survey): readonly Check[] {
  const { entry } = examined;
  const configs = entry.nodes.map((node) => directoryOf(node.config));
  const data = entry.nodes.flatMap((node) => (node.kind === 'redis' ? (dataDirectory(node, survey) ?? []) : []));
  const paths = [...new Set([...configs, ...data, entry.state])];
  const bad = paths.flatMap((path) => {
    const says = whyNotWritable(examined, path);
    if (says === undefined) return [];
    const state = says.unseen ? 'unseen' : 'problem';
    return [check(examined, 'writable', state, says.text, { next: `ls -ld ${path}   on ${entry.name}` })];
  });
  return bad.length > 0 ? bad : [check(examined, 'writable', 'ok', `${paths.join(' ')} may be written`)];
}

function whyNotWritable(
  examined: Examined,
  path: string,
): { readonly text: string; readonly unseen?: true } | undefined {
  const place = placeOf(examined, path);
  if (place === undefined || place.exists === undefined) return { text: `${path} could not be seen`, unseen: true };
  if (place.readOnly) return { text: `${path} is read-only: ${place.mount} is mounted so` };
  if (!place.exists && path !== examined.entry.state) return { text: `${path} is not there` };
  return place.writable ? undefined : { text: `${path} may not be written by this login` };
}

/** Whether what holds a node outlives a power cut: the hold file, and for a unit its drop-in. */
function holdChecks(examined: Examined): readonly Check[] {
  const { entry } = examined;
  const state = placeOf(examined, entry.state);
  const volatile =
    state !== undefined && inMemory.has(state.fileSystem)
      ? [`${entry.state} is in memory (${state.fileSystem}): hold files are gone after a boot`]
      : [];
  const hasUnits = [...examined.managers.values()].some((manager) => manager.ok && manager.value.kind === 'systemd');
  const readOnly =
    hasUnits && placeOf(examined, unitDirectory)?.readOnly === true
      ? [`${unitDirectory} is read-only: a hold stands below /run and is lost at the next boot`]
      : [];
  const weak = [...volatile, ...readOnly];
  if (weak.length === 0) return [check(examined, 'hold', 'ok', 'a hold survives a power cut')];
  const next = `mount -o remount,rw   on ${entry.name}, or keep it powered during a recovery`;
  return weak.map((says) => check(examined, 'hold', 'problem', says, { next }));
}
