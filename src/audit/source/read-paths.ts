import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { WhyNot } from '../../model/seen.js';
import { isArchive, readArchive } from './archive.js';
import { type Budget, type GivenFile, givenLimits, newBudget } from './given.js';

/** Reads stdin, at most `limitBytes` of it and one byte more. */
export type ReadInput = (limitBytes: number) => Promise<Uint8Array>;

/**
 * Everything that the PATHs give: files, what lies below directories (links that leave them are not followed), members of
 * archives, and stdin for `-`. Nothing else is opened; pipes, sockets and devices never are. What cannot be read comes
 * back with the reason. Throws RunbookError `usage` for a PATH that does not exist.
 */
export async function readPaths(paths: readonly string[], input: ReadInput): Promise<GivenFile[]> {
  const budget = newBudget();
  const files: GivenFile[] = [];
  for (const path of paths) files.push(...(await readGiven(path, budget, input)));
  const seen = new Set<string>();
  return files.filter(({ path }) => !seen.has(path) && seen.add(path));
}

async function readGiven(path: string, budget: Budget, input: ReadInput): Promise<GivenFile[]> {
  if (path === '-') return fromBytes('-', await input(givenLimits.fileBytes), true, budget);
  const real = await realpath(path).catch((error: unknown) => {
    throw new RunbookError('usage', `${path} cannot be read: ${reasonOf(error)}.`, {
      next: ['redis-runbook audit PATH...   files, directories, archives, or - for stdin'],
    });
  });
  const stat = await lstat(real);
  if (stat.isDirectory()) return readDirectory(path, real, real, budget, 0);
  return readFile(path, real, true, budget);
}

async function readDirectory(
  shown: string,
  real: string,
  root: string,
  budget: Budget,
  depth: number,
): Promise<GivenFile[]> {
  if (depth > givenLimits.depth) return [unread(shown, 'too-large', `more than ${givenLimits.depth} levels deep`)];
  const entries = await readdir(real, { withFileTypes: true }).catch((error: unknown) => whyOf(error));
  if (!Array.isArray(entries)) return [unread(shown, entries.why, entries.detail)];
  const files: GivenFile[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(shown, entry.name);
    const place = join(real, entry.name);
    if (budget.files <= 0) return [...files, unread(shown, 'too-large', `more than ${givenLimits.files} files`)];
    if (entry.isDirectory()) {
      if (!/^(?:\.git|node_modules)$/.test(entry.name))
        files.push(...(await readDirectory(path, place, root, budget, depth + 1)));
    } else if (entry.isSymbolicLink()) files.push(...(await readLink(path, place, root, budget)));
    else if (entry.isFile()) files.push(...(await readFile(path, place, false, budget)));
  }
  return files;
}

/** A link counts when it leads to a file below the directory that was asked for. */
async function readLink(shown: string, place: string, root: string, budget: Budget): Promise<GivenFile[]> {
  const real = await realpath(place).catch(() => undefined);
  if (real === undefined) return [];
  if (!real.startsWith(root + sep)) return [unread(shown, 'not-asked', 'a link that leads outside of what was given')];
  return (await lstat(real)).isFile() ? readFile(shown, real, false, budget) : [];
}

async function readFile(shown: string, real: string, named: boolean, budget: Budget): Promise<GivenFile[]> {
  budget.files -= 1;
  try {
    const bytes = await readBytes(real, budget);
    return bytes === undefined
      ? [unread(shown, 'too-large', `more than ${Math.min(givenLimits.fileBytes, budget.bytes)} bytes`, named)]
      : await fromBytes(shown, bytes, named, budget);
  } catch (error) {
    const { why, detail } = whyOf(error);
    return [unread(shown, why, detail, named)];
  }
}

/** Opened without waiting for a writer and looked at before it is read: a pipe in its place cannot hang us. */
async function readBytes(real: string, budget: Budget): Promise<Uint8Array | undefined> {
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('is no regular file');
    if (stat.size > givenLimits.fileBytes || stat.size > budget.bytes) return undefined;
    const buffer = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(buffer, 0, stat.size, 0);
    budget.bytes -= bytesRead;
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function fromBytes(path: string, bytes: Uint8Array, named: boolean, budget: Budget): Promise<GivenFile[]> {
  if (bytes.length > givenLimits.fileBytes)
    return [unread(path, 'too-large', `more than ${givenLimits.fileBytes} bytes`)];
  if (isArchive(bytes)) {
    try {
      return await readArchive(path, bytes, budget);
    } catch (error) {
      return [unread(path, 'unparseable', `is a broken archive: ${reasonOf(error)}`, named)];
    }
  }
  return [{ path, named, content: { text: Buffer.from(bytes).toString('utf8') } }];
}

function unread(path: string, why: WhyNot, detail: string, named = false): GivenFile {
  return { path, named, content: { why, detail } };
}

function whyOf(error: unknown): { readonly why: WhyNot; readonly detail: string } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = code === 'EACCES' || code === 'EPERM' ? 'denied' : code === 'ENOENT' ? 'absent' : 'refused';
  return { why, detail: reasonOf(error) };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read';
  if (code === 'ENOENT') return 'does not exist';
  return error instanceof Error ? error.message : String(error);
}
