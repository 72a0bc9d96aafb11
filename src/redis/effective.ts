import type { ConfigLine } from '../model/formats.js';
import type { WillGive } from '../model/survey.js';
import { linesOfArgv } from './command-line.js';
import { canonicalName } from './directive-names.js';
import { inDirectory } from './includes.js';
import { hashOfWord, redactLine } from './secrets.js';
import { lowerAscii, splitArgs } from './tokenise.js';
import { atLeast, type Version } from './versions.js';

export { flatten, flattened, isPattern } from './includes.js';

/** Which lines count at the next start of a redis-server. Names are directives or aliases of them, in any case. */
export interface Effective {
  /** Files first, then the command line, in the order of execution. */
  readonly lines: readonly ConfigLine[];
  /** The last line for the directive, which is the one that counts for a scalar. */
  scalar(name: string): ConfigLine | undefined;
  /** Every line for the directive, for those that add up (`save`, `user`, `rename-command`). */
  all(name: string): readonly ConfigLine[];
}

/** Files, then the options of the command line (see `linesOfArgv`); `lines` as `flatten` gives them. */
export function effective(lines: readonly ConfigLine[], argv: readonly string[], version: Version): Effective {
  const every = [...lines.filter((line) => line.name !== ''), ...linesOfArgv(argv, version)];
  const byName = new Map<string, ConfigLine[]>();
  for (const line of every) {
    const name = canonicalName(line.name);
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [line]);
    else same.push(line);
  }
  return {
    lines: every,
    scalar: (name) => byName.get(canonicalName(name))?.at(-1),
    all: (name) => byName.get(canonicalName(name)) ?? [],
  };
}

/**
 * What the files and the command line will give at the next start, with the defaults of `version`. `lines` as `flatten`
 * gives them. The result holds no secret: lines carry tokens, passwords come as keyed hashes. `logfile`, `pidfile` and
 * file names are as written; a relative `dir` is relative to the directory that the server is started in.
 */
export function willGive(
  main: string,
  lines: readonly ConfigLine[],
  argv: readonly string[],
  version: Version,
): WillGive {
  const now = effective(lines, argv, version);
  const word = (name: string, preset: string) => now.scalar(name)?.args[0] ?? preset;
  const replicaOf = replicaOfLine(now.scalar('replicaof'), version);
  const requirepassHash = hashOfWord(word('requirepass', ''));
  const masterauthHash = hashOfWord(word('masterauth', ''));
  return {
    files: [...new Set([main, ...lines.map((line) => line.file)])],
    lines: now.lines.map(redactLine),
    dir: now.all('dir').reduce((dir, line) => inDirectory(dir, line.args[0] ?? ''), '.'),
    dbfilename: word('dbfilename', 'dump.rdb'),
    appendonly: lowerAscii(word('appendonly', 'no')) === 'yes',
    appendfilename: word('appendfilename', 'appendonly.aof'),
    appenddirname: word('appenddirname', 'appendonlydir'),
    save: savePoints(now.lines, version),
    ...(replicaOf === undefined ? {} : { replicaOf }),
    port: Number(word('port', '6379')),
    bind: bindOf(now.scalar('bind'), version),
    logfile: word('logfile', ''),
    pidfile: word('pidfile', ''),
    ...(requirepassHash === undefined ? {} : { requirepassHash }),
    ...(masterauthHash === undefined ? {} : { masterauthHash }),
    maxmemoryBytes: memoryBytes(word('maxmemory', '0')),
  };
}

/**
 * The save points after all lines were executed. `save` lines add up; the first one clears the defaults, `save ""`
 * clears everything before it. Without a line: 3600/1 300/100 60/10000 from 6.2 on; before, nothing, because a start
 * with a config file reset them (6.0 server.c:main). From 7.0 on, behind an `include` line of the same file every `save`
 * replaces all before it, on the command line too (config.c:reading_config_file is off after the include; seen on 7.0.15).
 */
function savePoints(lines: readonly ConfigLine[], version: Version): WillGive['save'] {
  const replaces = atLeast(version, '7.0.0');
  const pastInclude = new Set<string>();
  let cleared = false;
  let points = atLeast(version, '6.2.0') ? defaultSave : [];
  for (const line of lines) {
    const load = line.includedFrom.join('\n');
    if (line.name === 'include') pastInclude.add(load);
    if (line.name !== 'save') continue;
    const words = wordsOf(line, version);
    const asSet = replaces && pastInclude.has(load);
    points = asSet || !cleared || words.join('') === '' ? pairs(words) : points.concat(pairs(words));
    cleared ||= !asSet;
  }
  return points;
}

const defaultSave = pairs(['3600', '1', '300', '100', '60', '10000']);

/** Directives of several words; from 7.0 on they may stand in one quoted word (config.c: MULTI_ARG_CONFIG). */
const severalWords: ReadonlySet<string> = new Set(['save', 'bind', 'replicaof']);

/** Every address when there is no line: an empty list before 7.0, which prints it as `* -::*`. */
function bindOf(line: ConfigLine | undefined, version: Version): readonly string[] {
  if (line !== undefined) return wordsOf(line, version);
  return atLeast(version, '7.0.0') ? ['*', '-::*'] : [];
}

function wordsOf(line: ConfigLine | undefined, version: Version): readonly string[] {
  const [word, ...more] = line?.args ?? [];
  if (line === undefined || word === undefined) return [];
  if (more.length > 0 || word === '' || !atLeast(version, '7.0.0')) return line.args;
  return severalWords.has(canonicalName(line.name)) ? (splitArgs(word) ?? line.args) : line.args;
}

/**
 * Bytes of a size as util.c:memtoull reads it: `b` or nothing, `k` = 1000, `kb` = 1024, `m`, `mb`, `g`, `gb`, in any case.
 * 0 for a text that Redis would refuse.
 */
export function memoryBytes(text: string): bigint {
  const match = /^(\d+)([a-z]*)$/i.exec(text);
  const unit = memoryUnits[(match?.[2] ?? '').toLowerCase()];
  return match === null || unit === undefined ? 0n : BigInt(match[1] ?? '0') * unit;
}

const memoryUnits: Readonly<Record<string, bigint | undefined>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** `no one` in a file is understood from 6.0.9 on; before, it is a host called `no` (seen on 3.2.12). */
function replicaOfLine(line: ConfigLine | undefined, version: Version): WillGive['replicaOf'] {
  const [host, port] = wordsOf(line, version);
  if (line === undefined || host === undefined || port === undefined) return undefined;
  const noOne = lowerAscii(`${host} ${port}`) === 'no one';
  if (noOne && atLeast(version, '6.0.9')) return undefined;
  return { host, port: noOne ? 0 : Number(port), from: redactLine(line) };
}

function pairs(words: readonly string[]): { seconds: number; changes: number }[] {
  return words.flatMap((seconds, at) =>
    at % 2 === 0 && words[at + 1] !== undefined ? [{ seconds: Number(seconds), changes: Number(words[at + 1]) }] : [],
  );
}
