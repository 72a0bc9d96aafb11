import type { ConfigLine } from '../model/formats.js';
import type { NodeEntry } from '../model/inventory.js';
import type { RawFile, RawHost } from '../model/raw-host.js';
import type { NotSeen, Seen } from '../model/seen.js';
import { type Effective, effective, flattened } from '../redis/effective.js';
import { globsOf } from '../redis/globs.js';
import { contentOf, fileOf, filesOf, follows, textOf } from '../survey/raw-access.js';
import type { ConfigText } from './config-text.js';
import type { Target } from './target.js';
import type { BadInclude, Lines, NodeAt, Setting } from './view.js';

/** The lines of one node's files in the order of execution, and where a file that could not be read may hide others. */
export interface NodeConfig {
  readonly main: string;
  readonly lines: readonly ConfigLine[];
  readonly effective: Effective;
  readonly argv: readonly string[];
  /** The last place at which lines may be missing: its index in `effective.lines`, and why. */
  readonly gap: { readonly index: number; readonly missing: NotSeen } | undefined;
  readonly badIncludes: readonly Omit<BadInclude, 'node'>[];
}

/** More lines than any real file and its includes have: a hostile one is not followed further, and says so. */
const lineLimit = 100_000;

/** The config texts of a node, main file first, as the look brought them. */
export function textsOf(raw: RawHost, node: NodeEntry): Seen<readonly ConfigText[]> {
  const main = mainFile(raw, node);
  const text = contentOf(raw, node.id, roleOf(node), main, textOf);
  if (!text.ok) return text;
  const includes = filesOf(raw, node.id, 'include').flatMap((file): ConfigText[] => {
    const content = file.content.ok ? file.content.value : undefined;
    return content && 'text' in content ? [{ file: file.path, text: content.text }] : [];
  });
  return { ...text, value: [{ file: main?.path ?? node.config, text: text.value }, ...includes] };
}

/** The node's main config file. */
export function mainFile(raw: RawHost, node: NodeEntry): RawFile | undefined {
  return fileOf(raw, node, roleOf(node));
}

function roleOf(node: NodeEntry): 'redis.conf' | 'sentinel.conf' {
  return node.kind === 'redis' ? 'redis.conf' : 'sentinel.conf';
}

/** The lines of the texts, and the gap that an include leaves that was not read. */
export function nodeConfig(raw: RawHost, node: NodeEntry, texts: readonly ConfigText[], target: Target): NodeConfig {
  const [main] = texts;
  if (main === undefined) throw new Error('has no text');
  const byPath = new Map(texts.map(({ file, text }) => [file, text]));
  const { lines, problems } = flattened(main.file, byPath, target.compatible, globsOf(byPath));
  const now = effective(lines, node.start, target.compatible);
  const isGap = new Set(problems.map(placeOf));
  const index = now.lines.findLastIndex((line) => line.name === 'include' && isGap.has(placeOf(line)));
  const cut = lines.length >= lineLimit;
  const gap = cut
    ? { index: now.lines.length, missing: tooLong(raw, node) }
    : gapAt(raw, node, now.lines[index], index);
  const loops = new Set(problems.filter(({ says }) => says.includes('leads back')).map(placeOf));
  const badIncludes = lines.flatMap((line): NodeConfig['badIncludes'] => {
    if (line.name !== 'include' || !isGap.has(placeOf(line))) return [];
    if (loops.has(placeOf(line))) return [{ line, why: 'loop' }];
    return unreadFile(raw, node, line)?.why === 'absent' ? [{ line, why: 'absent' }] : [];
  });
  return { main: main.file, lines, effective: now, argv: node.start, gap, badIncludes };
}

function placeOf({ file, line }: { readonly file: string; readonly line: number }): string {
  return `${file}:${line}`;
}

/** Why an included file has no text, where the look tried to read it. */
function unreadFile(raw: RawHost, node: NodeEntry, { args }: ConfigLine): NotSeen | undefined {
  const content = filesOf(raw, node.id, 'include').find(
    ({ path, content }) => path === args[0] && !content.ok,
  )?.content;
  return content?.ok === false ? content : undefined;
}

function gapAt(raw: RawHost, node: NodeEntry, line: ConfigLine | undefined, index: number): NodeConfig['gap'] {
  if (line === undefined) return undefined;
  const include = line.args[0] ?? '';
  const unread = unreadFile(raw, node, line);
  const why = unread?.why ?? 'not-asked';
  const detail = `include ${include} (${line.file}:${line.line}) was not read${unread === undefined ? '' : `: ${unread.detail}`}`;
  const from = { host: raw.host, node: node.id, source: include };
  return { index, missing: { ok: false, why: why === 'absent' ? 'not-asked' : why, detail, from, at: raw.at } };
}

function tooLong(raw: RawHost, node: NodeEntry): NotSeen {
  const from = { host: raw.host, node: node.id, source: node.config };
  return { ok: false, why: 'too-large', detail: `more than ${lineLimit} lines`, from, at: raw.at };
}

/** One directive, seen only where no unread include may decide it. */
export function settingOf(raw: RawHost, at: NodeAt, config: Seen<NodeConfig>, name: string): Seen<Setting> {
  if (!config.ok) return config;
  const { effective: now, gap } = config.value;
  const line = now.scalar(name);
  if (gap !== undefined && (line === undefined || now.lines.lastIndexOf(line) < gap.index)) return gap.missing;
  return follows(raw, at.id, `${at.main} ${name}`, { node: at, name, line, words: line?.args ?? [] });
}

/** Every line of a directive, seen only where every include was read. */
export function linesSeen(raw: RawHost, at: NodeAt, config: Seen<NodeConfig>, name: string): Seen<Lines> {
  if (!config.ok) return config;
  const { effective: now, gap } = config.value;
  if (gap !== undefined) return gap.missing;
  return follows(raw, at.id, `${at.main} ${name}`, { node: at, name, lines: now.all(name) });
}
