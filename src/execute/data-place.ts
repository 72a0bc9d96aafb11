import { dirname, isAbsolute, join } from 'node:path';
import type { RedisReader } from '../hosts/host.js';
import { parseManifest } from '../redis/aof.js';
import { decodeText } from '../redis/byte-text.js';
import { type Effective, effective, flatten } from '../redis/effective.js';
import { parseVersion } from '../redis/versions.js';
import { readTexts } from './config-texts.js';
import type { DataPlace } from './held-before.js';
import { configOf, nodeAt } from './node.js';
import type { Reach } from './tools.js';

/** What the node's own config files and command line will give at the next start. Throws when the file cannot be read. */
export async function plannedPlace(at: Reach, node: string): Promise<DataPlace> {
  const { entry } = nodeAt(at, node);
  const lines = await effectiveOf(at, node);
  const word = (name: string, otherwise: string) => lines.scalar(name)?.args[0] ?? otherwise;
  const dir = word('dir', '.');
  return placeOf(isAbsolute(dir) ? dir : join(dirname(entry.config), dir), (name, otherwise) => word(name, otherwise));
}

/** The directives of a redis node that count at its next start. */
export async function effectiveOf(at: Reach, node: string): Promise<Effective> {
  const { entry, host } = nodeAt(at, node);
  const { texts, globs } = await readTexts(host, entry.config, at.signal);
  const version = parseVersion('7.0.0');
  return effective(flatten(entry.config, texts, version, globs), entry.start.slice(1), version);
}

/** What a running node says about itself. */
export async function runningPlace(reader: RedisReader): Promise<DataPlace> {
  const values = new Map<string, string>();
  for (const name of ['dir', 'dbfilename', 'appendonly', 'appendfilename', 'appenddirname']) {
    const value = await configOf(reader, name);
    if (value !== undefined) values.set(name, value);
  }
  return placeOf(values.get('dir') ?? '/', (name, otherwise) => values.get(name) ?? otherwise);
}

function placeOf(dir: string, word: (name: string, otherwise: string) => string): DataPlace {
  return {
    dir,
    rdb: join(dir, word('dbfilename', 'dump.rdb')),
    appendonly: word('appendonly', 'no').toLowerCase() === 'yes',
    appendfilename: word('appendfilename', 'appendonly.aof'),
    appenddirname: word('appenddirname', 'appendonlydir'),
  };
}

/** The append-only files of a node as they lie on its disk, in load order. */
export interface AofOnDisk {
  readonly layout: 'multi' | 'single';
  readonly directory: string;
  readonly manifest?: { readonly path: string; readonly text: string };
  readonly files: readonly { readonly path: string; readonly type: 'base' | 'incr' | 'single' }[];
  /** Listed in the manifest, but not there: the server refuses to start with it. */
  readonly missing: readonly string[];
}

/**
 * Finds the append-only files: the manifest's (7.0 and later), else the single file of earlier versions; undefined when
 * there is neither. Files that a manifest marks as history are superseded and left out. Throws when a file is there but cannot be read.
 */
export async function findAof(at: Reach, node: string, place: DataPlace): Promise<AofOnDisk | undefined> {
  const { named: host } = nodeAt(at, node);
  const directory = join(place.dir, place.appenddirname);
  const path = join(directory, `${place.appendfilename}.manifest`);
  const read = await host.read(path, 1024 * 1024, at.signal);
  if (!read.ok && read.why !== 'absent') throw new Error(`${path} could not be read: ${read.detail}`);
  if (!read.ok) return singleAof(at, node, place);
  const text = decodeText(read.value);
  const entries = parseManifest(text).entries.filter(({ type }) => type !== 'h');
  const ordered = [...entries.filter(({ type }) => type === 'b'), ...entries.filter(({ type }) => type === 'i')];
  const there = await Promise.all(ordered.map(async ({ name }) => (await host.stat(join(directory, name))).ok));
  return {
    layout: 'multi',
    directory,
    manifest: { path, text },
    files: ordered
      .filter((_, index) => there[index])
      .map(({ name, type }) => ({ path: join(directory, name), type: type === 'b' ? 'base' : 'incr' })),
    missing: ordered.filter((_, index) => !there[index]).map(({ name }) => name),
  };
}

/** Which data files the node would load, by inode, size and time of change: the same text as long as nobody touched them. */
export async function filesNow(at: Reach, node: string, place: DataPlace): Promise<string> {
  const { named: host } = nodeAt(at, node);
  const aof = place.appendonly ? await findAof(at, node, place) : undefined;
  const paths = place.appendonly ? (aof?.files.map(({ path }) => path) ?? []) : [place.rdb];
  const stats = await Promise.all(paths.map((path) => host.stat(path)));
  const each = stats.map((stat, index) => {
    if (!stat.ok) return `${paths[index]} ${stat.why}`;
    const { device, inode, sizeBytes, mtimeMs } = stat.value;
    return `${paths[index]} ${device}:${inode} ${sizeBytes} ${mtimeMs}`;
  });
  return [aof?.manifest?.text ?? '', ...(aof?.missing ?? []), ...each].join('\n');
}

async function singleAof(at: Reach, node: string, place: DataPlace): Promise<AofOnDisk | undefined> {
  const path = join(place.dir, place.appendfilename);
  const stat = await nodeAt(at, node).named.stat(path);
  if (!stat.ok) {
    if (stat.why === 'absent') return undefined;
    throw new Error(`${path} could not be seen: ${stat.detail}`);
  }
  return { layout: 'single', directory: place.dir, files: [{ path, type: 'single' }], missing: [] };
}
