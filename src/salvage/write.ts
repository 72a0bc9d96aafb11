import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OwnServerLink } from '../hosts/redis-client.js';
import type { RawResp } from '../hosts/redis-link.js';
import { toJson } from '../model/json.js';
import type { SalvageManifest } from '../model/salvage.js';
import type { OwnKey } from '../scratch/compare.js';

/** Above it a key stays in the kept files: nobody wants a gigabyte in one line. */
const LARGEST_BYTES = 64 * 1024 * 1024;
/** Payloads that are asked for at once. */
const WINDOW_BYTES = 8 * 1024 * 1024;
export const KEYS_FILE = 'keys.jsonl';
export const MANIFEST_FILE = 'manifest.json';

/** A bundle that is being written. */
export interface SalvageWriter {
  /** Takes the payloads of these keys from the closed server whose database is selected. */
  take(keys: readonly OwnKey[], link: OwnServerLink): Promise<void>;
  /** Ends the file, on the disk, and writes the manifest last: a bundle without one is none. */
  finish(rest: Omit<SalvageManifest, 'schema' | 'file' | 'tooLarge'>): Promise<SalvageManifest>;
  /** Closes what is open; for a bundle that comes to nothing. */
  abandon(): Promise<void>;
}

/** Begins a bundle in an existing directory of ours (0700); its files are 0600. Rejects with the system's error. */
export async function openSalvage(directory: string): Promise<SalvageWriter> {
  const file = await open(join(directory, KEYS_FILE), 'wx', 0o600);
  const hash = createHash('sha256');
  let sizeBytes = 0n;
  let tooLarge = 0n;
  async function add(text: string): Promise<void> {
    hash.update(text);
    sizeBytes += BigInt(Buffer.byteLength(text));
    await file.writeFile(text);
  }
  return {
    async take(keys, link) {
      for (const window of await windowsOf(keys, link)) {
        const dumps = await Promise.all(window.map((own) => (own.isLarge ? undefined : dumpOf(own.key, link))));
        tooLarge += BigInt(window.filter(({ isLarge }) => isLarge).length);
        await add(window.map((own, at) => lineOf(own, dumps[at])).join(''));
      }
    },
    async finish(rest) {
      await file.sync();
      await file.close();
      const told = { name: KEYS_FILE, sizeBytes, sha256: hash.digest('hex') } as const;
      const manifest: SalvageManifest = { schema: 'redis-runbook/salvage/1', ...rest, file: told, tooLarge };
      await writeLast(directory, manifest);
      return manifest;
    },
    abandon: () => file.close().catch(() => undefined),
  };
}

type Sized = OwnKey & { readonly isLarge: boolean };

/** Batches whose payloads fit into memory together: MEMORY USAGE is no less than what DUMP will give, but for a few bytes. */
async function windowsOf(keys: readonly OwnKey[], link: OwnServerLink): Promise<readonly (readonly Sized[])[]> {
  const sizes = await Promise.all(keys.map(({ key }) => link.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')));
  const windows: Sized[][] = [[]];
  let inWindow = 0;
  for (const [at, own] of keys.entries()) {
    const bytes = numberOf(sizes[at] ?? null);
    if (inWindow > 0 && inWindow + bytes > WINDOW_BYTES) {
      windows.push([]);
      inWindow = 0;
    }
    windows.at(-1)?.push({ ...own, isLarge: bytes > LARGEST_BYTES });
    inWindow += bytes;
  }
  return windows;
}

function numberOf(answer: RawResp): number {
  return answer instanceof Uint8Array ? Number(Buffer.from(answer).toString('latin1')) : 0;
}

/** Undefined for a key whose time ended meanwhile. */
async function dumpOf(key: Uint8Array, link: OwnServerLink): Promise<Uint8Array | undefined> {
  const answer = await link.call('DUMP', key);
  if (answer === null || answer instanceof Uint8Array) return answer ?? undefined;
  throw new Error('the closed server gave no payload for a key');
}

function lineOf({ database, key, facts, standing }: Sized, dump: Uint8Array | undefined): string {
  const { type, expireAtMs } = facts;
  const payload = dump === undefined ? {} : { dump: Buffer.from(dump).toString('base64') };
  return `${toJson({ database, key: Buffer.from(key).toString('base64'), type, expireAtMs, standing, ...payload })}\n`;
}

async function writeLast(directory: string, manifest: SalvageManifest): Promise<void> {
  await synced(await open(join(directory, MANIFEST_FILE), 'wx', 0o600), `${toJson(manifest, 2)}\n`);
  const own = await open(directory, 'r');
  await own.sync().finally(() => own.close());
}

async function synced(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
