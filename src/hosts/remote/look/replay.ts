import type { FileStat } from '../../../model/raw-host.js';
import type { FileSource, SourceFile } from '../../file-source.js';
import { fileError } from '../../local-files.js';
import type { Evidence, PathFacts } from './evidence.js';

/** The files that exchanges brought back, and what of them was asked for in vain. */
export interface Replay extends FileSource {
  /** Paths and patterns that nobody brought. */
  readonly missing: Set<string>;
  /** Paths that the user of the exchange may not see. */
  readonly denied: Set<string>;
  facts(path: string): PathFacts | undefined;
  /** Names of the rotated files of a log. */
  rotated(path: string): readonly string[];
}

/** The ends of what stat, cd and open complain in the C locale. */
const complaints: readonly (readonly [string, string, string])[] = [
  ['No such file or directory', 'ENOENT', 'no such file or directory'],
  ['Not a directory', 'ENOTDIR', 'not a directory'],
  ['Permission denied', 'EACCES', 'permission denied'],
  ['Too many levels of symbolic links', 'ELOOP', 'too many symbolic links encountered'],
  ['File name too long', 'ENAMETOOLONG', 'name too long'],
];

function refusal(code: string, words: string, call: string, path: string): Error {
  return fileError(code, `${code}: ${words}, ${call} '${path}'`);
}

const types: Readonly<Record<number, FileStat['type']>> = { 8: 'file', 10: 'link', 4: 'directory' };

/** `1700000000.123456789` or `1700000000` in milliseconds, to the microsecond. */
function milliseconds(text: string): number {
  const [seconds = '0', fraction = ''] = text.split('.');
  return Number(BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))) / 1000;
}

/** The fields that the script asks stat for; undefined for a complaint. */
export function parseStatFields(text: string): FileStat | undefined {
  if (!/^\d+ -?\d+(\.\d+)? -?\d+(\.\d+)? [0-9a-fA-F]+ \d+ \d+ \d+ \d+$/.test(text)) return undefined;
  const [size = '', mtime = '', ctime = '', mode = '', uid, gid, device = '', inode = ''] = text.split(' ');
  const bits = Number.parseInt(mode, 16);
  return {
    sizeBytes: BigInt(size),
    mtimeMs: milliseconds(mtime),
    ctimeMs: milliseconds(ctime),
    mode: bits & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    device: BigInt(device),
    inode: BigInt(inode),
    type: types[bits >> 12] ?? 'other',
  };
}

/** As whom the exchanges looked. */
export interface ReplayUser {
  readonly uid: number;
  /** Why what is denied was not looked at as root; empty where nothing is to say. */
  readonly note: string;
}

interface Replaying {
  readonly evidence: readonly Evidence[];
  readonly missing: Set<string>;
  readonly denied: Set<string>;
  readonly user: ReplayUser;
}

function factsFor(state: Replaying, path: string): PathFacts | undefined {
  const all = state.evidence.flatMap(({ paths }) => paths.get(path) ?? []).filter(({ stat }) => stat !== undefined);
  // One exchange may have opened what the other's user could not.
  return all.find(({ opened }) => opened) ?? all.find(({ stat }) => parseStatFields(stat ?? '')) ?? all[0];
}

function notBrought(state: Replaying, path: string): Error {
  state.missing.add(path);
  return notRead(state, path);
}

function notRead(state: Replaying, what: string): Error {
  if (state.evidence.every(({ complete }) => complete)) return fileError('ENOTASKED', `${what} was not looked at`);
  return Object.assign(new Error(`the look ended before it came to ${what}`), { name: 'TimeoutError' });
}

function notStated(state: Replaying, path: string, said: string, call: string): Error {
  const [, code, words] = complaints.find(([end]) => said.endsWith(end)) ?? ['', 'EIO', said.slice(-200)];
  if (code !== 'EACCES') return refusal(code, words, call, path);
  state.denied.add(path);
  const denied = refusal(code, words, call, path);
  return state.user.note === '' ? denied : fileError(code, `${denied.message} (${state.user.note})`);
}

function statOf(state: Replaying, path: string, call: string): FileStat {
  const facts = factsFor(state, path);
  if (facts?.stat === undefined) throw notBrought(state, path);
  const stat = parseStatFields(facts.stat);
  if (stat === undefined) throw notStated(state, path, facts.stat, call);
  return stat;
}

/** Throws where a link is not followed: the rule of `openRegular`, which the script kept too. */
function checkLink(state: Replaying, path: string, facts: PathFacts, link: FileStat): void {
  const target = parseStatFields(facts.target ?? '');
  if (target === undefined) throw notStated(state, path, facts.target ?? '', 'stat');
  if (link.uid !== 0 && link.uid !== target.uid && link.uid !== state.user.uid) {
    throw fileError('ELOOP', `${path} is a link of user ${link.uid} to a file of user ${target.uid}: not followed`);
  }
  if (target.type !== 'file') throw fileError('EINVAL', `${path} is not a regular file`);
}

async function* chunksIn(
  state: Replaying,
  facts: PathFacts,
  path: string,
  size: bigint,
  fromByte = 0n,
  toByte?: bigint,
) {
  if (fromByte >= size && size > 0n) return;
  const start = Number(fromByte);
  const range = facts.ranges.find(
    (each) => each.fromByte <= start && start <= each.fromByte + Math.max(0, each.bytes.length - 1),
  );
  if (range === undefined) {
    if (facts.ranges.length > 0 && size === 0n) return;
    throw notRead(state, `the bytes of ${path} from ${fromByte} on`);
  }
  const end = toByte === undefined ? undefined : Number(toByte) - range.fromByte;
  yield range.bytes.subarray(start - range.fromByte, end);
}

function openIn(state: Replaying, path: string, links: 'follow' | 'refuse'): SourceFile {
  const named = statOf(state, path, links === 'follow' ? 'lstat' : 'open');
  const facts = factsFor(state, path) ?? { ranges: [] };
  if (named.type === 'link') {
    if (links === 'refuse') throw refusal('ELOOP', 'too many symbolic links encountered', 'open', path);
    checkLink(state, path, facts, named);
  } else if (named.type !== 'file') throw fileError('EINVAL', `${path} is not a regular file`);
  const stat = parseStatFields(facts.opened ?? '');
  if (stat === undefined) throw notStated(state, path, 'Permission denied', 'open');
  if (stat.type !== 'file') throw fileError('EINVAL', `${path} is not a regular file`);
  return {
    stat,
    chunks: (_signal, fromByte, toByte) => chunksIn(state, facts, path, stat.sizeBytes, fromByte, toByte),
    close: async () => undefined,
  };
}

/**
 * The files of a host as exchanges brought them, the newest exchange first, for the same readers that read this
 * machine's: what they conclude of a path is the same. Errors are worded as the kernel's errors are here.
 */
export function replayOf(evidence: readonly Evidence[], user: ReplayUser): Replay {
  const state: Replaying = { evidence, missing: new Set(), denied: new Set(), user };
  return {
    missing: state.missing,
    denied: state.denied,
    facts: (path) => factsFor(state, path),
    rotated: (path) => evidence.flatMap((each) => each.rotated.get(path) ?? []),
    open: async (path, links) => openIn(state, path, links),
    stat: async (path) => statOf(state, path, 'lstat'),
    list: async (directory) => {
      const names = evidence.map((each) => each.names.get(directory)).find((found) => found !== undefined);
      return [...(names ?? [])].sort();
    },
    glob: async (pattern) => {
      const paths = evidence.map((each) => each.globs.get(pattern)).find((found) => found !== undefined);
      if (paths === undefined) state.missing.add(pattern);
      return paths ?? [];
    },
  };
}
