import { open, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { HostEntry } from '../model/inventory.js';
import type { RawServer } from '../model/raw-host.js';
import { minimalEnvironment, runCommand } from './local-run.js';

const LIMITS = { timeoutMs: 2000, limitBytes: 4096 };

/** What the programs that start the redis nodes of this machine say of their version; those that say nothing are left out. */
export async function serversHere(entry: HostEntry, signal: AbortSignal): Promise<readonly RawServer[]> {
  const started = entry.nodes.filter(({ kind }) => kind === 'redis').flatMap(({ start }) => start.slice(0, 1));
  const servers = await Promise.all([...new Set(started)].map((program) => asked(program, signal)));
  return servers.flatMap((server) => server ?? []);
}

async function asked(program: string, signal: AbortSignal): Promise<RawServer | undefined> {
  for (const path of placesOf(program)) {
    if (!(await isProgram(path))) continue;
    const output = await runCommand([path, '--version'], LIMITS, signal).catch(() => undefined);
    return output && { path, says: output.stdout.split('\n')[0] ?? '' };
  }
  return undefined;
}

function placesOf(program: string): readonly string[] {
  if (isAbsolute(program)) return [program];
  if (program.includes('/')) return [];
  return (minimalEnvironment().PATH ?? '').split(delimiter).map((directory) => join(directory, program));
}

/** Only a program is asked: a script of that name might start a server. By root only what root alone may change. */
async function isProgram(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return false;
    if (process.getuid?.() === 0 && (found.uid !== 0 || (found.mode & 0o022) !== 0)) return false;
    const file = await open(path, 'r');
    try {
      const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.toString('latin1') === '\x7fELF';
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
