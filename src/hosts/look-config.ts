import { dirname, resolve } from 'node:path';
import type { ConfigLine } from '../model/formats.js';
import type { NodeEntry } from '../model/inventory.js';
import type { RawFile } from '../model/raw-host.js';
import type { Secret } from '../model/secret.js';
import { decodeText } from '../redis/byte-text.js';
import { linesOfArgv } from '../redis/command-line.js';
import { type ConfigUsers, usersIn } from '../redis/credentials.js';
import { type Listening, listeningOf, settledNode } from '../redis/listening.js';
import { parseConfig } from '../redis/redis-conf.js';
import { redactConfig } from '../redis/secrets.js';
import { parseVersion } from '../redis/versions.js';
import { hasWildcards } from './glob.js';
import { filesFor, type LookContext, readFileOf, type ServiceUser, statFileOf, wholeOf } from './look-file.js';
import { saw } from './reading.js';

/** Deeper or more includes than anybody writes: a circle, or a hostile file. */
const MOST_INCLUDES = 100;

/** Where a node keeps its files: what the config files say, absolute. */
export interface FilePlaces {
  readonly directory: string;
  readonly dbfilename: string;
  readonly appendfilename: string;
  readonly appenddirname: string;
  /** Empty: the node logs to its standard output. */
  readonly logfile: string;
  /** Empty: its config names none. */
  readonly pidfile: string;
}

export interface ConfigLook {
  readonly files: readonly RawFile[];
  /** Undefined when the main file could not be read. */
  readonly places: FilePlaces | undefined;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Who the secrets belong to. */
  readonly users: ConfigUsers;
  readonly user: ServiceUser | undefined;
  /** The node as it is reached, by what the files say; as declared when the main file could not be read. */
  readonly node: NodeEntry;
}

interface Walk {
  readonly context: LookContext;
  readonly node: NodeEntry;
  readonly files: RawFile[];
  readonly secrets: Map<string, Secret>;
  readonly values: Map<string, string>;
  readonly lines: ConfigLine[];
  user: ServiceUser | undefined;
  /** `dir` changes the working directory at once (config.c: chdir), so later relative paths are below it. */
  directory: string;
}

async function readConfig(walk: Walk, role: RawFile['role'], path: string): Promise<string | undefined> {
  const { context, node, user } = walk;
  let text: string | undefined;
  const file = await readFileOf(
    context,
    { node: node.id, role, path, links: 'follow', user },
    async (opened, from, own) => {
      const redacted = redactConfig(decodeText(await wholeOf(opened, context.limits.textBytes, own)));
      for (const [key, secret] of redacted.secrets) walk.secrets.set(key, secret);
      text = redacted.text;
      return saw({ text }, from);
    },
  );
  walk.files.push(file);
  if (role !== 'include' && file.stat.ok) walk.user ??= { uid: file.stat.value.uid, gid: file.stat.value.gid };
  return text;
}

async function followInclude(walk: Walk, path: string): Promise<void> {
  const target = resolve(walk.directory, path);
  for (const found of hasWildcards(path) ? await filesFor(walk.context).glob(target) : [target]) {
    if (walk.files.length > MOST_INCLUDES || walk.files.some((file) => file.path === found)) continue;
    const text = await readConfig(walk, 'include', found);
    if (text !== undefined) await follow(walk, parseConfig(found, text));
  }
}

async function follow(walk: Walk, lines: readonly ConfigLine[]): Promise<void> {
  for (const line of lines) {
    const { name, args } = line;
    walk.lines.push(line);
    const value = args[0];
    if (value === undefined || args.length !== 1) continue;
    if (name === 'include') await followInclude(walk, value);
    else if (name === 'dir') walk.directory = resolve(walk.directory, value);
    else walk.values.set(name, value);
  }
}

function placesOf(walk: Walk): FilePlaces {
  const logfile = walk.values.get('logfile') ?? '';
  const pidfile = walk.values.get('pidfile') ?? '';
  return {
    directory: walk.directory,
    dbfilename: walk.values.get('dbfilename') ?? 'dump.rdb',
    appendfilename: walk.values.get('appendfilename') ?? 'appendonly.aof',
    appenddirname: walk.values.get('appenddirname') ?? 'appendonlydir',
    // The log is opened for each line, so a relative name is below the last `dir` (server.c:serverLogRaw).
    logfile: logfile === '' ? '' : resolve(walk.directory, logfile),
    // Written after the last `dir` (server.c:createPidFile).
    pidfile: pidfile === '' ? '' : resolve(walk.directory, pidfile),
  };
}

/** The files, then the options of the start command, which count more. */
function listeningAt({ node, values }: Walk): Listening {
  const options = linesOfArgv(node.start, parseVersion('7.0.15')).filter(({ args }) => args.length === 1);
  const all = new Map([...values, ...options.map(({ name, args }): [string, string] => [name, args[0] ?? ''])]);
  return listeningOf(node.kind, (name) => all.get(name));
}

/**
 * A node's config file and everything it includes, secrets replaced, in the order in which Redis executes them, and
 * the stat of the directory that CONFIG REWRITE writes in. A
 * relative `dir` is below the directory of the config file, where the `process` service starts a node.
 * `user` is the one that runs the node when that is known; else the owner of the config file counts.
 */
export async function lookAtConfig(
  context: LookContext,
  node: NodeEntry,
  user: ServiceUser | undefined,
): Promise<ConfigLook> {
  const walk: Walk = {
    context,
    node,
    files: [],
    secrets: new Map(),
    values: new Map(),
    lines: [],
    user: undefined,
    directory: dirname(node.config),
  };
  const text = await readConfig(walk, node.kind === 'redis' ? 'redis.conf' : 'sentinel.conf', node.config);
  if (user) walk.user = { uid: user.uid, gid: walk.user?.gid ?? user.gid };
  if (text !== undefined) await follow(walk, parseConfig(node.config, text));
  const places = text === undefined ? undefined : placesOf(walk);
  const directory = await statFileOf(context, node.id, 'config-dir', dirname(node.config));
  const { files, secrets } = walk;
  const reached = text === undefined ? node : settledNode(node, listeningAt(walk));
  return { files: [...files, directory], places, secrets, users: usersIn(walk.lines), user: walk.user, node: reached };
}
