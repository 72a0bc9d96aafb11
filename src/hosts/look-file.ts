import type { HostEntry } from '../model/inventory.js';
import type { FileRole, FileStat, RawContent, RawFile } from '../model/raw-host.js';
import type { From, Seen } from '../model/seen.js';
import { bytesIn, type FileSource, localFiles, type SourceFile } from './file-source.js';
import type { Limits } from './host.js';
import { fileError } from './local-files.js';
import { missed, missedBy, saw, within } from './reading.js';

/** What every reading of one look needs. */
export interface LookContext {
  readonly entry: HostEntry;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** Where files come from; this machine when left out. */
  readonly files?: FileSource;
}

/** Where the files of a look come from. */
export function filesFor(context: LookContext): FileSource {
  return context.files ?? localFiles;
}

/** The user as whom a node's files are judged: what it could not read itself is not brought back for it. */
export interface ServiceUser {
  readonly uid: number;
  readonly gid: number;
}

/** Where a reading of a node comes from. */
export function fromNode(context: LookContext, node: string, source: string): From {
  return { host: context.entry.name, node, source };
}

/**
 * Whether the user of a server could read a file itself. Its config is its own to write (CONFIG REWRITE, CONFIG SET dir),
 * so that an `include`, `dir` or `logfile` may name any file of the machine, /etc/shadow too.
 */
export function mayRead(stat: FileStat, user: ServiceUser | undefined): boolean {
  if (user === undefined || user.uid === 0 || stat.uid === user.uid) return true;
  if (user.gid !== 0 && stat.gid === user.gid && (stat.mode & 0o040) !== 0) return true;
  return (stat.mode & 0o004) !== 0;
}

export interface FileToRead {
  readonly node: string;
  readonly role: FileRole;
  readonly path: string;
  readonly links: 'follow' | 'refuse';
  readonly user?: ServiceUser | undefined;
}

type ReadContent = (opened: SourceFile, from: From, signal: AbortSignal) => Promise<Seen<RawContent>>;

interface StatAndContent {
  readonly stat: Seen<FileStat>;
  readonly content: Seen<RawContent>;
}

async function readOpened(
  source: FileSource,
  file: FileToRead,
  from: From,
  signal: AbortSignal,
  read: ReadContent,
): Promise<StatAndContent> {
  const opened = await source.open(file.path, file.links);
  try {
    const stat = saw(opened.stat, from);
    if (!mayRead(opened.stat, file.user)) {
      const detail = `${file.path} belongs to user ${opened.stat.uid} and is not the server's to read: left alone`;
      return { stat, content: missed('denied', detail, from) };
    }
    return { stat, content: await read(opened, from, signal).catch((error: unknown) => missedBy(error, from)) };
  } finally {
    await opened.close();
  }
}

async function notOpened(source: FileSource, file: FileToRead, from: From, error: unknown): Promise<StatAndContent> {
  const content = missedBy(error, from);
  const stat = await source.stat(file.path).then(
    (value) => saw(value, from),
    (reason: unknown) => missedBy(reason, from),
  );
  return { stat, content };
}

/** One file of a look: its stat, and its content as `read` takes it from the opened file. Within one reading's time. */
export async function readFileOf(context: LookContext, file: FileToRead, read: ReadContent): Promise<RawFile> {
  const from = fromNode(context, file.node, file.path);
  const source = filesFor(context);
  const both = await within(from, context.limits.readingTimeoutMs, context.signal, async (signal) => {
    const done = readOpened(source, file, from, signal, read);
    return saw(await done.catch((error: unknown) => notOpened(source, file, from, error)), from);
  });
  const { node, role, path } = file;
  return { node, role, path, ...(both.ok ? both.value : { stat: both, content: both }) };
}

/** A file of which only the stat is wanted. */
export async function statFileOf(context: LookContext, node: string, role: FileRole, path: string): Promise<RawFile> {
  const from = fromNode(context, node, path);
  const stat = await within(from, context.limits.readingTimeoutMs, context.signal, async () =>
    saw(await filesFor(context).stat(path), from),
  );
  const content = stat.ok ? missed('not-asked', 'only its stat was read', from) : stat;
  return { node, role, path, stat, content };
}

/** The whole of an opened file as bytes; throws EFBIG above `limitBytes`. */
export async function wholeOf(opened: SourceFile, limitBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await bytesIn(opened, signal, 0n, BigInt(limitBytes) + 1n);
  if (bytes.length > limitBytes) throw fileError('EFBIG', `larger than ${limitBytes} bytes`);
  return bytes;
}
