import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Host } from '../hosts/host.js';
import { decodeText } from '../redis/byte-text.js';
import { flattened, isPattern } from '../redis/effective.js';
import { parseVersion } from '../redis/versions.js';

/** Config files are small; anything larger is none. */
const LIMIT_BYTES = 4 * 1024 * 1024;
const DEEPEST_INCLUDE = 16;

/** A config file as it stands on its host. */
export interface ReadConfig {
  readonly text: string;
  readonly sha256: string;
}

/** Reads one config file. Throws with the reason when it cannot be read. */
export async function readConfig(host: Host, path: string, signal: AbortSignal): Promise<ReadConfig> {
  const seen = await host.read(path, LIMIT_BYTES, signal);
  if (!seen.ok) throw new Error(`${host.entry.name}:${path} could not be read: ${seen.detail}`);
  const sha256 = createHash('sha256').update(seen.value).digest('hex');
  return { text: decodeText(seen.value), sha256 };
}

/** A config file and everything that it includes, as `flatten` takes them. Includes that cannot be read are left out. */
export interface ConfigTexts {
  readonly texts: ReadonlyMap<string, string>;
  readonly globs: ReadonlyMap<string, readonly string[]>;
}

/** Reads a config file and what it includes (with no more right than its writer's), patterns expanded on the host. Throws when the file itself cannot be read. */
export async function readTexts(host: Host, path: string, signal: AbortSignal): Promise<ConfigTexts> {
  const texts = new Map([[path, (await readConfig(host, path, signal)).text]]);
  const globs = new Map<string, readonly string[]>();
  const named = host.named(path);
  for (let depth = 0; depth < DEEPEST_INCLUDE; depth += 1) {
    const wanted = await missingIncludes(named, path, texts, globs);
    const before = texts.size;
    for (const include of wanted) {
      const read = await readConfig(named, include, signal).catch(() => undefined);
      if (read) texts.set(include, read.text);
    }
    if (texts.size === before) break;
  }
  return { texts, globs };
}

async function missingIncludes(
  host: Host,
  main: string,
  texts: ReadonlyMap<string, string>,
  globs: Map<string, readonly string[]>,
): Promise<readonly string[]> {
  const { lines } = flattened(main, texts, parseVersion('7.0.0'), globs);
  const includes = lines.filter((line) => line.name === 'include').flatMap((line) => line.args.slice(0, 1));
  for (const pattern of includes.filter((include) => isPattern(include) && !globs.has(include))) {
    globs.set(pattern, await expand(host, pattern));
  }
  const paths = includes.flatMap((include) => (isPattern(include) ? (globs.get(include) ?? []) : [include]));
  return [...new Set(paths)].filter((include) => include.startsWith('/') && !texts.has(include));
}

/** The files that a pattern in the last part of a path names, in the order of glob(3). */
async function expand(host: Host, pattern: string): Promise<readonly string[]> {
  const directory = dirname(pattern);
  if (isPattern(directory)) return [];
  const names = await host.list(directory);
  if (!names.ok) return [];
  const last = pattern.slice(directory.length + (directory.endsWith('/') ? 0 : 1));
  const form = new RegExp(
    `^${last
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replace(/\*/g, '[^/]*')
      .replace(/\?/g, '[^/]')}$`,
  );
  return names.value
    .filter((name) => form.test(name) && !(name.startsWith('.') && !last.startsWith('.')))
    .sort()
    .map((name) => join(directory, name));
}
