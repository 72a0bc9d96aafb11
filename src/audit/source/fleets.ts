import type { HostEntry, Inventory, NodeEntry } from '../../model/inventory.js';
import type { RawFile, RawHost } from '../../model/raw-host.js';
import type { NotSeen } from '../../model/seen.js';
import { byKey } from '../by-key.js';
import type { SecretFacts } from '../view.js';
import type { GivenFile } from './given.js';
import { type GivenTexts, givenTexts, includesOf } from './includes.js';
import { kindOf } from './kinds.js';
import { type PlacedFile, partFleets, partHosts, placedFile } from './place.js';
import { type Recorded, recordedAnswers, recordedUnits } from './recorded.js';
import { withoutSecrets } from './secret-facts.js';

/** One fleet that was made out in the files. */
export interface FilesFleet {
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
  /** Path as shown, by node id, NUL and the name under which Redis would open the file. */
  readonly shown: ReadonlyMap<string, string>;
}

/** Everything that the given files are. */
export interface FilesRead {
  readonly fleets: readonly FilesFleet[];
  readonly secrets: ReadonlyMap<string, SecretFacts>;
  /** Texts of saved surveys among them, by path. */
  readonly surveys: ReadonlyMap<string, string>;
  /** Files that could not be read, with the reason. */
  readonly unread: readonly GivenFile[];
  /** Files in directories and archives that are none of ours. */
  readonly ignored: readonly string[];
}

/** Sorts what was given: which file is what, which of them include each other, and who belongs together. */
export function fleetsOf(files: readonly GivenFile[], at: string): FilesRead {
  const secrets = new Map<string, SecretFacts>();
  const surveys = new Map<string, string>();
  const configs = new Map<string, { readonly kind: 'redis' | 'sentinel'; readonly text: string }>();
  const answers: Recorded[] = [];
  const ignored: string[] = [];
  for (const file of files) {
    if (!('text' in file.content)) continue;
    const { text } = file.content;
    const kind = kindOf(file.path, text, file.named);
    if (kind === 'survey') surveys.set(file.path, text);
    else if (kind === 'info' || kind === 'config-get' || kind === 'unit') answers.push({ path: file.path, kind, text });
    else if (kind === 'other' || kind === 'acl') ignored.push(file.path);
    else
      configs.set(file.path, {
        kind: kind === 'redis.conf' ? 'redis' : 'sentinel',
        text: withoutSecrets(text, secrets),
      });
  }
  const given = givenTexts(new Map([...configs].map(([path, { text }]) => [path, text])));
  const mains = mainFiles(configs, given);
  partHosts(mains);
  const fleets = partFleets(mains).map((fleet) => filesFleet(fleet, given, answers, at));
  return { fleets, secrets, surveys, unread: files.filter(({ content }) => !('text' in content)), ignored };
}

/** A file that another includes is no node of its own. */
function mainFiles(
  configs: ReadonlyMap<string, { readonly kind: 'redis' | 'sentinel'; readonly text: string }>,
  given: GivenTexts,
): PlacedFile[] {
  const included = new Set([...configs.keys()].flatMap((main) => includesOf(main, given).map(({ path }) => path)));
  const mains = [...configs].filter(([path]) => !included.has(path));
  return (mains.length > 0 ? mains : [...configs]).map(([path, { kind, text }]) => placedFile(path, kind, text));
}

function filesFleet(
  files: readonly PlacedFile[],
  given: GivenTexts,
  answers: readonly Recorded[],
  at: string,
): FilesFleet {
  const names = hostNames(files);
  const groups = [...new Set(files.flatMap(({ monitors }) => monitors.map(({ group }) => group)))];
  const shown = new Map<string, string>();
  const hosts = byKey(files, (file) => file.hostKey).map((own) => {
    const name = names.get(own[0]?.hostKey ?? '') ?? '';
    const nodes = own.map((file) => nodeEntry(file, name, own, files, groups));
    return { entry: hostEntry(name, own, nodes), raw: rawHost(name, own, nodes, given, answers, at, shown) };
  });
  const inventory: Inventory = {
    fleet: groups[0] ?? hosts[0]?.entry.name ?? 'files',
    file: '',
    groups: groups.length === 0 ? [''] : groups,
    hosts: hosts.map(({ entry }) => entry),
    password: { from: 'node' },
  };
  return { inventory, raws: hosts.map(({ raw }) => raw), shown };
}

/** Host names, with more of the path where two hosts of a fleet would have the same. */
function hostNames(files: readonly PlacedFile[]): ReadonlyMap<string, string> {
  const keys = new Map(files.map((file) => [file.hostKey, file.host]));
  const counts = new Map<string, number>();
  for (const host of keys.values()) counts.set(host, (counts.get(host) ?? 0) + 1);
  return new Map([...keys].map(([key, host]) => [key, (counts.get(host) ?? 0) > 1 ? key : host]));
}

function nodeEntry(
  file: PlacedFile,
  host: string,
  onHost: readonly PlacedFile[],
  fleet: readonly PlacedFile[],
  groups: readonly string[],
): NodeEntry {
  const several = onHost.filter(({ kind }) => kind === file.kind).length > 1;
  const base = file.kind === 'redis' ? host : `${host}/sentinel`;
  const group = file.kind === 'redis' ? groupOf(file, fleet, groups) : undefined;
  return {
    kind: file.kind,
    id: several ? `${base}:${file.port}` : base,
    host,
    address: file.own[0] ?? onHost.flatMap(({ own }) => own)[0] ?? '',
    port: file.port,
    config: file.path,
    unit: '',
    start: [],
    ...(group === undefined ? {} : { group }),
  };
}

/** The group whose sentinels monitor the node or its master, or know it; of a fleet with one group that one. */
function groupOf(file: PlacedFile, fleet: readonly PlacedFile[], groups: readonly string[]): string | undefined {
  if (groups.length <= 1) return groups[0];
  const own = new Set(file.own.map((address) => `${address}:${file.port}`));
  if (file.replicaOf !== undefined) own.add(file.replicaOf);
  const said = fleet.flatMap(({ monitors, knows }) => [...monitors, ...knows]);
  return said.find(({ address }) => own.has(address))?.group;
}

function hostEntry(name: string, files: readonly PlacedFile[], nodes: readonly NodeEntry[]): HostEntry {
  return {
    name,
    address: files.flatMap(({ own }) => own)[0] ?? '',
    transport: 'local',
    become: 'none',
    service: 'process',
    state: '',
    nodes,
    line: 0,
  };
}

function rawHost(
  name: string,
  files: readonly PlacedFile[],
  nodes: readonly NodeEntry[],
  given: GivenTexts,
  answers: readonly Recorded[],
  at: string,
  shown: Map<string, string>,
): RawHost {
  const missing = (source: string): NotSeen => ({
    ok: false,
    why: 'not-asked',
    detail: 'a file cannot tell',
    from: { host: name, source },
    at,
  });
  const rawFiles = nodes.flatMap((node): RawFile[] => {
    const main = rawFile(
      node,
      node.kind === 'redis' ? 'redis.conf' : 'sentinel.conf',
      node.config,
      given,
      node.config,
      at,
    );
    const includes = includesOf(node.config, given).map(({ opened, path }) => {
      shown.set(`${node.id}\0${opened}`, path);
      return rawFile(node, 'include', opened, given, path, at);
    });
    return [main, ...includes];
  });
  return {
    host: name,
    address: files.flatMap(({ own }) => own)[0] ?? '',
    at,
    elapsedMs: 0,
    reached: { ok: true, value: true, from: { host: name, source: 'files' }, at },
    clockOffsetMs: missing('clock'),
    diskFreeBytes: missing('disk'),
    processes: missing('process list'),
    files: rawFiles,
    answers: nodes.flatMap((node) => recordedAnswers(node, nodes, answers, at)),
    ...recordedUnits(name, nodes, answers, at),
  };
}

function rawFile(
  node: NodeEntry,
  role: RawFile['role'],
  path: string,
  given: GivenTexts,
  shownPath: string,
  at: string,
): RawFile {
  const from = { host: node.host, node: node.id, source: shownPath };
  return {
    node: node.id,
    role,
    path,
    stat: { ok: false, why: 'not-asked', detail: 'the rights of a copied file say nothing', from, at },
    content: { ok: true, value: { text: given.byPath.get(shownPath) ?? '' }, from, at },
  };
}
