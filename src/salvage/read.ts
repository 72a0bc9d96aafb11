import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { RunbookError } from '../errors.js';
import { fromJson } from '../model/json.js';
import type { SalvagedKey, SalvageManifest } from '../model/salvage.js';
import { KEYS_FILE, MANIFEST_FILE } from './write.js';

/** A bundle on this machine. */
export interface Salvage {
  readonly directory: string;
  readonly manifest: SalvageManifest;
}

const MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024;

const lineShape = z.object({
  database: z.number().int().nonnegative(),
  key: z.base64(),
  type: z.string(),
  expireAtMs: z.number().int(),
  standing: z.enum(['only', 'different', 'other-expiry']),
  dump: z.base64().optional(),
});

/** The bundles of a run directory, one for each node that was set aside; those that were not finished are passed over. */
export async function salvagesIn(runDirectory: string): Promise<readonly Salvage[]> {
  const place = join(runDirectory, 'salvage');
  const names = await readdir(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = await Promise.all(names.sort().map((name) => manifestIn(join(place, name))));
  return found.filter((each) => each !== undefined);
}

async function manifestIn(directory: string): Promise<Salvage | undefined> {
  const path = join(directory, MANIFEST_FILE);
  const size = await stat(path).catch(() => undefined);
  if (size === undefined) return undefined;
  const manifest = parseManifest(size.size > MANIFEST_LIMIT_BYTES ? '' : await readFile(path, 'utf8'), path);
  return { directory, manifest };
}

function parseManifest(text: string, path: string): SalvageManifest {
  const value = objectIn(text);
  const schema = String(value.schema ?? '');
  if (schema === 'redis-runbook/salvage/1') return value as unknown as SalvageManifest;
  const isNewer = /^redis-runbook\/salvage\/\d+$/.test(schema);
  throw new RunbookError('usage', `${path} is ${isNewer ? 'of a newer version' : 'no manifest of a salvage bundle'}.`, {
    facts: ['expected: redis-runbook/salvage/1'],
    next: ['redis-runbook salvage list'],
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = fromJson(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Rejects with RunbookError `blocked` when the keys are not, byte for byte, those of the manifest. */
export async function proveSalvage({ directory, manifest }: Salvage): Promise<void> {
  const path = join(directory, KEYS_FILE);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  if (hash.digest('hex') === manifest.file.sha256) return;
  throw new RunbookError('blocked', `${path} is not what was written: nothing of it is put back.`, {
    facts: ['its sha256 is not that of its manifest'],
    next: [`the kept files of ${manifest.node} still hold all of it`],
  });
}

/** The keys of a bundle, in the order of the file, one at a time. Throws RunbookError `blocked` with the line that is none. */
export async function* keysIn({ directory }: Salvage): AsyncGenerator<SalvagedKey> {
  const path = join(directory, KEYS_FILE);
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const parsed = lineShape.safeParse(objectIn(line));
    if (!parsed.success)
      throw new RunbookError('blocked', `${path}:${number} is no key of a salvage bundle.`, {
        next: ['redis-runbook salvage list'],
      });
    const { key, dump, ...rest } = parsed.data;
    yield { ...rest, key: Buffer.from(key, 'base64'), ...(dump ? { dump: Buffer.from(dump, 'base64') } : {}) };
  }
}
