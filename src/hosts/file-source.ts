import type { FileStat } from '../model/raw-host.js';
import { expandGlob } from './glob.js';
import { chunksOf, listDirectory, openRegular, statPath } from './local-files.js';

/** An opened regular file of a look. */
export interface SourceFile {
  readonly stat: FileStat;
  /** The bytes from `fromByte` to `toByte` (exclusive; to the end when left out). */
  chunks(signal: AbortSignal, fromByte?: bigint, toByte?: bigint): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Where a look takes its files from: this machine, or what one exchange brought back of another. Everything rejects
 * with a system error (`code`), so that both are classed alike.
 */
export interface FileSource {
  open(path: string, links: 'follow' | 'refuse'): Promise<SourceFile>;
  /** stat without following a link. */
  stat(path: string): Promise<FileStat>;
  list(directory: string, limit: number): Promise<readonly string[]>;
  glob(pattern: string): Promise<readonly string[]>;
}

async function openLocally(path: string, links: 'follow' | 'refuse'): Promise<SourceFile> {
  const { handle, stat } = await openRegular(path, links);
  return {
    stat,
    chunks: (signal, fromByte, toByte) => chunksOf(handle, signal, fromByte, toByte),
    close: () => handle.close(),
  };
}

/** The files of this machine. */
export const localFiles: FileSource = {
  open: openLocally,
  stat: statPath,
  list: listDirectory,
  glob: expandGlob,
};

/** Some bytes of an opened file as one array. */
export async function bytesIn(
  file: SourceFile,
  signal: AbortSignal,
  fromByte: bigint,
  toByte: bigint,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.chunks(signal, fromByte, toByte)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
