import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../reading.js';
import { type KnownKey, parseKnownHosts } from './known-hosts.js';

/**
 * The keys of several files. A file that is missing has none; one that cannot be read throws the system's error: what
 * it revokes would not be seen.
 */
export async function readKnownHosts(files: readonly string[]): Promise<readonly KnownKey[]> {
  const read = async (file: string) => {
    try {
      return parseKnownHosts(await readFile(file, 'utf8'), file);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
      throw error;
    }
  };
  return (await Promise.all(files.map(read))).flat();
}

/**
 * Adds one line in a single appending write, as ssh itself does: others that append at the same moment lose nothing,
 * and a file that is a link stays one. Makes the file (0600) and its directory (0700). Throws the system's error.
 */
export async function appendKnownHost(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const last = new Uint8Array(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const isOpenLine = size > 0 && last[0] !== 0x0a;
    await handle.write(isOpenLine ? `\n${line}` : line);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
