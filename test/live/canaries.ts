import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every spelling of a secret that would give it away, by name. */
export function spellingsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret);
  const url = encodeURIComponent(secret);
  const all = new Map([
    ['raw', secret],
    ['URL-encoded', url],
    ['URL-encoded in lower case', url.replace(/%../g, (code) => code.toLowerCase())],
    ['form-encoded', new URLSearchParams({ p: secret }).toString().slice(2)],
    [
      'wholly percent-encoded',
      [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    ],
    ['shell-quoted', secret.replaceAll("'", "'\\''")],
    ['shell-escaped', secret.replace(/[^\w@%+=:,./-]/g, '\\$&')],
    ['shell-escaped wholly', secret.replace(/\W/g, '\\$&')],
    ['in double quotes of a shell', secret.replace(/[$`"\\!]/g, '\\$&')],
    ['JSON-escaped', JSON.stringify(secret).slice(1, -1)],
    ['JSON-escaped twice', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
    ['Markdown-escaped', secret.replace(/[\\`*_[\]<>|~#!&]/g, '\\$&')],
    ['hex', bytes.toString('hex')],
    ['sha256', createHash('sha256').update(bytes).digest('hex')],
    ['sha1', createHash('sha1').update(bytes).digest('hex')],
  ]);
  for (const shift of [0, 1, 2]) {
    const text = inBase64(bytes, shift);
    all.set(`base64 shifted by ${shift}`, text);
    all.set(`base64url shifted by ${shift}`, text.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return all;
}

/** The part of the base64 of any text with the secret at an offset of `shift` (mod 3) that depends on the secret alone. */
function inBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
}

/** Which spellings of the secret a text holds; binary files as latin1. */
export function foundIn(text: string, spellings: ReadonlyMap<string, string>): readonly string[] {
  return [...spellings].filter(([, spelling]) => text.includes(spelling)).map(([name]) => name);
}

/** What a watch over the processes of this machine saw. */
export interface Watched {
  /** `cmdline` and `environ` that held a spelling, and which. */
  readonly leaks: ReadonlySet<string>;
  readonly samples: number;
  readonly programs: ReadonlySet<string>;
}

/**
 * Reads command line and environment of every process that descends from this one or works under `directory`, fifty
 * times a second, until it is told to end.
 */
export function watchProcesses(
  directory: string,
  spellings: ReadonlyMap<string, string>,
): { seen(): Watched; end(): void } {
  const leaks = new Set<string>();
  const programs = new Set<string>();
  let samples = 0;
  const sample = () => {
    samples += 1;
    const parents = parentsNow();
    for (const pid of parents.keys()) {
      const [cmdline, environ] = [textOf(`/proc/${pid}/cmdline`), textOf(`/proc/${pid}/environ`)];
      const ours = descends(pid, parents) || `${cmdline}${environ}${cwdOf(pid)}`.includes(directory);
      if (!ours) continue;
      programs.add(cmdline.split('\0')[0]?.split(/[/ ]/).at(-1) ?? '');
      for (const name of foundIn(cmdline, spellings)) leaks.add(`cmdline ${name}: ${cmdline.replaceAll('\0', ' ')}`);
      for (const name of foundIn(environ, spellings)) leaks.add(`environ ${name} of ${cmdline.replaceAll('\0', ' ')}`);
    }
  };
  const timer = setInterval(sample, 20);
  return { seen: () => ({ leaks, samples, programs }), end: () => clearInterval(timer) };
}

function parentsNow(): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = textOf(`/proc/${name}/stat`);
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  return parents;
}

function descends(pid: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === process.pid) return true;
  return false;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** `path: spelling` for every file under `directory` that holds the secret and is not excused. */
export function leaksUnder(
  directory: string,
  spellings: ReadonlyMap<string, string>,
  excused: (path: string, text: string) => boolean,
): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, 'latin1');
    if (excused(path, text)) return [];
    return foundIn(text, spellings).map((name) => `${path}: ${name}`);
  });
}
