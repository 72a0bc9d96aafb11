import type { NodeEntry } from '../model/inventory.js';
import type { FileRole, RawContent, RawFile, RawHost, RawLine, Resp } from '../model/raw-host.js';
import { mapSeen, type NotSeen, type Seen, type WhyNot } from '../model/seen.js';

/** A reading that nobody made: of an unreached host for the reason of that, else `not-asked`. */
export function notMade(raw: RawHost, node: string | undefined, source: string): NotSeen {
  const from = { host: raw.host, ...(node === undefined ? {} : { node }), source };
  if (raw.reached.ok) return { ok: false, why: 'not-asked', detail: `the look brought no ${source}`, from, at: raw.at };
  return { ...raw.reached, why: silence(raw.reached.why), from };
}

/** An unreached host says nothing about what is on it: never `absent`. */
function silence(why: WhyNot): WhyNot {
  return why === 'absent' ? 'refused' : why;
}

/** A value that follows from other readings of the host. */
export function follows<T>(raw: RawHost, node: string, source: string, value: T): Seen<T> {
  return { ok: true, value, from: { host: raw.host, node, source }, at: raw.at };
}

export function filesOf(raw: RawHost, node: string, role: FileRole): readonly RawFile[] {
  return raw.files.filter((file) => file.node === node && file.role === role);
}

/** The node's one file of a role; the path that fleet.yaml names wins where there are several. */
export function fileOf(raw: RawHost, node: NodeEntry, role: FileRole): RawFile | undefined {
  const files = filesOf(raw, node.id, role);
  return files.find((file) => file.path === node.config) ?? files[0];
}

/** The content of a file, read by `read`; a missing RawFile is a reading that nobody made. */
export function contentOf<T>(
  raw: RawHost,
  node: string,
  role: FileRole,
  file: RawFile | undefined,
  read: (content: RawContent) => T,
): Seen<T> {
  return file ? mapSeen(file.content, read) : notMade(raw, node, role);
}

/** The text of a file that came back whole. Throws for a binary file or a log. */
export function textOf(content: RawContent): string {
  if ('text' in content) return content.text;
  throw new Error('is not a text that was read whole');
}

/** The first and last bytes of a binary file. Throws for a text and for base64 that is none. */
export function edgesOf(content: RawContent): { readonly head: Uint8Array; readonly tail: Uint8Array } {
  if (!('head' in content)) throw new Error('is not a binary file');
  return { head: fromBase64(content.head), tail: fromBase64(content.tail) };
}

function fromBase64(text: string): Uint8Array {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** The lines of a log, matches and tail together, each line once, files oldest first. Throws for another content. */
export function logLinesOf(content: RawContent): RawLine[] {
  if (!('matches' in content)) throw new Error('is not a log');
  const all = [...content.matches, ...content.tail];
  const files = [...new Set(all.map((line) => line.file))];
  const unique = new Map(all.map((line) => [`${line.line}:${line.file}`, line]));
  return [...unique.values()].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}

/** What a command was answered with, errors of the server apart. */
export type Answer = Exclude<Resp, { readonly error: string }>;

/**
 * The answer to a command, asked by the first of its names that was answered (`INFO` finds `INFO all` too). A server's
 * error is `denied`, `refused` or, where it names something that is not there, `absent`.
 */
export function answerOf(raw: RawHost, node: string, ...names: readonly string[]): Seen<Answer> {
  const readings = names.flatMap((name) => readingsOf(raw, node, name.toUpperCase()));
  return readings.find((each) => each.ok) ?? readings[0] ?? notMade(raw, node, names[0] ?? '');
}

function readingsOf(raw: RawHost, node: string, name: string): readonly Seen<Answer>[] {
  return raw.answers
    .filter((each) => each.node === node)
    .filter(({ command }) => command.toUpperCase() === name || (name === 'INFO' && /^INFO /i.test(command)))
    .map(({ answer }) => withoutError(answer));
}

function withoutError(answer: Seen<Resp>): Seen<Answer> {
  if (!answer.ok) return answer;
  const value = answer.value;
  if (value === null || typeof value !== 'object' || !('error' in value)) return { ...answer, value };
  return { ok: false, why: whyOfError(value.error), detail: value.error, from: answer.from, at: answer.at };
}

/** `No such master` is knowledge: the sentinel does not monitor the group. */
function whyOfError(error: string): WhyNot {
  if (/^ERR No such master/i.test(error)) return 'absent';
  return /^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password|ERR operation not permitted|DENIED)/i.test(error)
    ? 'denied'
    : 'refused';
}

/** The answer as text; anything else is unparseable. */
export function textAnswerOf(raw: RawHost, node: string, command: string): Seen<string> {
  return mapSeen(answerOf(raw, node, command), (value) => {
    if (typeof value === 'string') return value;
    throw new Error(`the answer to ${command} is no text`);
  });
}
