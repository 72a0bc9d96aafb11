import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { codeOf, readSmall, unless } from '../repository/durable.js';
import { marker } from './order.js';
import type { ScheduleFile } from './systemd.js';

const limitBytes = 256 * 1024;

/** Writes the files of a schedule (0644), each whole or not at all. Rejects with RunbookError `usage` when one that is not ours stands there. */
export async function writeFiles(files: readonly ScheduleFile[]): Promise<void> {
  for (const file of files) await checkOurs(file.path);
  for (const { path, content } of files) {
    const temporary = join(dirname(path), `.redis-runbook-${process.pid}`);
    try {
      // A plain Debian has no /etc/sysusers.d; systemd reads it all the same.
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const handle = await open(temporary, flags, 0o644);
      try {
        await handle.writeFile(content);
        await handle.chmod(0o644);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw cannot('written', path, error);
    }
  }
}

/** Removes the files of a schedule that are there and ours; gives their paths. */
export async function removeFiles(paths: readonly string[]): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const path of paths) {
    if (!(await checkOurs(path))) continue;
    await rm(path).catch((error: unknown) => {
      throw cannot('removed', path, error);
    });
    gone.push(path);
  }
  return gone;
}

/** The files of a schedule that are there, with their content. */
export async function readFiles(paths: readonly string[]): Promise<readonly ScheduleFile[]> {
  const read = paths.map(async (path) => {
    const content = await contentOf(path);
    return content === undefined ? [] : [{ path, content }];
  });
  return (await Promise.all(read)).flat();
}

/** Whether a file is there; rejects when it is not one that we wrote. */
async function checkOurs(path: string): Promise<boolean> {
  const content = await contentOf(path);
  if (content === undefined) return false;
  if (content.startsWith(marker)) return true;
  throw new RunbookError('usage', `${path} is there and was not written by this tool: it stays as it is.`, {
    next: [`look at it; if nobody needs it: rm ${path}`],
  });
}

async function contentOf(path: string): Promise<string | undefined> {
  const bytes = await readSmall(path, limitBytes)
    .catch(unless('ENOTDIR'))
    .catch((error: unknown) => {
      throw cannot('read', path, error);
    });
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function cannot(what: string, path: string, error: unknown): RunbookError {
  const code = codeOf(error);
  return new RunbookError('usage', `${path} cannot be ${what} (${code ?? String(error)}).`, {
    next:
      code === 'EACCES' || code === 'EPERM'
        ? ['the same command as root: sudo redis-runbook backup schedule ...']
        : ['redis-runbook backup schedule install --print'],
  });
}

/** What a program of the system answered; status 127 when there is none. */
export interface SystemAnswer {
  readonly status: number;
  readonly text: string;
}

/** Runs one program of the system without a shell, at most 30 s. Never rejects. */
export function runSystem(program: string, args: readonly string[]): Promise<SystemAnswer> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: 30_000, maxBuffer: 256 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, text: stdout });
      else if (error.code === 'ENOENT') resolve({ status: 127, text: `there is no ${program} here` });
      else
        resolve({
          status: typeof error.code === 'number' ? error.code : 1,
          text: `${stdout}${stderr}`.trim() || error.message,
        });
    });
  });
}
