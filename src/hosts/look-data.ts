import { join } from 'node:path';
import type { RawContent, RawFile } from '../model/raw-host.js';
import type { Seen } from '../model/seen.js';
import { type AofManifestEntry, parseManifest } from '../redis/aof-manifest.js';
import { decodeText } from '../redis/byte-text.js';
import { bytesIn, type SourceFile } from './file-source.js';
import type { FilePlaces } from './look-config.js';
import {
  filesFor,
  fromNode,
  type LookContext,
  readFileOf,
  type ServiceUser,
  statFileOf,
  wholeOf,
} from './look-file.js';
import { missed, reading, saw } from './reading.js';

/** What the data files of a node begin with: an RDB, a command, an annotation (`#TS:`). Anything else is not theirs. */
const beginnings = { rdb: /^(REDIS|VALKEY)/, aof: /^(REDIS|VALKEY|[*#])/ } as const;
/** A directory full of them is a finding as it is; nobody reads more names. */
const MOST_LEFTOVERS = 100;
const leftover = /^temp-.*\.(rdb|aof)$|^temp-.*\.manifest$/;

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** First and last bytes without overlap; everything in `head` where it fits. */
async function edges(context: LookContext, opened: SourceFile, signal: AbortSignal) {
  const size = opened.stat.sizeBytes;
  const edge = BigInt(context.limits.edgeBytes);
  const head = await bytesIn(opened, signal, 0n, size < edge ? size : edge);
  const from = size - edge > edge ? size - edge : edge;
  const tail = size > edge ? await bytesIn(opened, signal, from, size) : new Uint8Array();
  return { head, tail };
}

interface DataOf {
  readonly context: LookContext;
  readonly node: string;
  readonly user: ServiceUser | undefined;
}

/** Head and tail of a data file. A file that is none (CONFIG SET dir can point anywhere) is named and left alone. */
function edgesOf(of: DataOf, role: 'rdb' | 'aof', path: string): Promise<RawFile> {
  const file = { node: of.node, role, path, links: 'refuse', user: of.user } as const;
  return readFileOf(of.context, file, async (opened, from, signal): Promise<Seen<RawContent>> => {
    const { head, tail } = await edges(of.context, opened, signal);
    const start = Buffer.from(head.subarray(0, 8)).toString('latin1');
    if (head.length > 0 && !beginnings[role].test(start)) {
      return missed('unparseable', `${path} does not begin like a data file: left alone`, from);
    }
    return saw({ head: base64(head), tail: base64(tail) }, from);
  });
}

/** The files that a manifest lists; of one that Redis refuses, none. */
function listedIn(text: string): readonly AofManifestEntry[] {
  try {
    return parseManifest(text).entries;
  } catch {
    return [];
  }
}

async function lookAtManifest(of: DataOf, directory: string, manifest: string): Promise<readonly RawFile[]> {
  let listed: readonly AofManifestEntry[] = [];
  const { context, node, user } = of;
  const asked = { node, role: 'aof-manifest', path: manifest, links: 'refuse', user } as const;
  const file = await readFileOf(context, asked, async (opened, from, signal): Promise<Seen<RawContent>> => {
    const text = decodeText(await wholeOf(opened, context.limits.textBytes, signal));
    listed = listedIn(text).slice(0, context.limits.listedNames);
    if (text !== '' && !/^(#|file )/i.test(text)) return missed('unparseable', `${manifest} is no manifest`, from);
    return saw({ text }, from);
  });
  const lastIncr = listed.findLast((entry) => entry.type === 'i')?.name;
  const files = listed.map(({ name, type }) => {
    const path = join(directory, name);
    return type === 'b' || name === lastIncr ? edgesOf(of, 'aof', path) : statFileOf(context, node, 'aof', path);
  });
  return [file, ...(await Promise.all(files))];
}

async function lookAtLeftovers(of: DataOf, directories: readonly string[]): Promise<readonly RawFile[]> {
  const found = await Promise.all(
    directories.map(async (directory) => {
      const from = fromNode(of.context, of.node, directory);
      const names = await reading(from, () => filesFor(of.context).list(directory, of.context.limits.listedNames));
      return names.ok ? names.value.filter((name) => leftover.test(name)).map((name) => join(directory, name)) : [];
    }),
  );
  return Promise.all(
    found
      .flat()
      .slice(0, MOST_LEFTOVERS)
      .map((path) => statFileOf(of.context, of.node, 'leftover', path)),
  );
}

/**
 * The data files of a redis node: dump, AOF manifest with what it lists (head and tail of the base and of the last
 * incremental file), the single AOF of versions before 7.0, and what interrupted saves left (stat only). Files that are
 * not there are said to be absent.
 */
export async function lookAtData(
  context: LookContext,
  node: string,
  places: FilePlaces,
  user: ServiceUser | undefined,
): Promise<readonly RawFile[]> {
  const of = { context, node, user };
  const aofDirectory = join(places.directory, places.appenddirname);
  const parts = await Promise.all([
    edgesOf(of, 'rdb', join(places.directory, places.dbfilename)).then((file) => [file]),
    lookAtManifest(of, aofDirectory, join(aofDirectory, `${places.appendfilename}.manifest`)),
    edgesOf(of, 'aof', join(places.directory, places.appendfilename)).then((file) => [file]),
    lookAtLeftovers(of, [places.directory, aofDirectory]),
  ]);
  return parts.flat();
}
