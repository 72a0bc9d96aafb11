import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';

/** What must be said before data of a fleet is copied to this machine. */
export interface DiskPlace {
  readonly freeBytes: bigint;
  /** Whether the disk under the directory is encrypted, as far as lsblk can tell. */
  readonly encrypted: 'yes' | 'no' | 'not known';
}

const LIMIT_MS = 3000;

/** The file system that holds `directory`. Rejects with the system's error when there is no such directory. */
export async function diskPlace(directory: string): Promise<DiskPlace> {
  const { bavail, bsize } = await statfs(directory, { bigint: true });
  return { freeBytes: bavail * bsize, encrypted: await encryptedUnder(directory) };
}

/** dm-crypt anywhere below the mounted device. */
async function encryptedUnder(directory: string): Promise<DiskPlace['encrypted']> {
  const source = await told('findmnt', ['-n', '-o', 'SOURCE', '-T', directory]);
  if (source === undefined || !source.startsWith('/dev/')) return 'not known';
  const types = await told('lsblk', ['-s', '-n', '-o', 'TYPE', source]);
  if (types === undefined) return 'not known';
  return types.split('\n').some((line) => line.trim() === 'crypt') ? 'yes' : 'no';
}

function told(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: LIMIT_MS }, (error, stdout) => resolve(error ? undefined : stdout.trim()));
  });
}
