import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { SecretSource } from '../model/inventory.js';
import { Secret } from '../model/secret.js';

/** Asks a person for a secret without showing it; `question` ends without a colon. */
export type AskSecret = (question: string) => Promise<Secret>;

const limitChars = 8192;
const commandTimeoutMs = 30_000;

/** What a secret is for: the fleet file and the key that name its source, and what can be done without one. */
export interface Wanted {
  /** Path of the fleet file: files are beside it. */
  readonly file: string;
  readonly key: string;
  /** Ends without a colon. */
  readonly question: string;
  readonly instead: string;
}

/**
 * The secret that a source of fleet.yaml gives, one line. Rejects with `fleet-file` when the source gives nothing and with
 * `no-terminal` when it is a prompt and nobody can be asked.
 */
export async function resolveSecret(source: SecretSource, wanted: Wanted, ask?: AskSecret): Promise<Secret> {
  switch (source.from) {
    case 'env':
      return secretOf(process.env[source.name] ?? '', `the environment variable ${source.name}`, wanted);
    case 'file':
      return secretOf(await readSecretFile(source.path, wanted), `the file ${source.path}`, wanted);
    case 'command':
      return secretOf(await runCommand(source.argv, wanted), `the command ${source.argv[0]}`, wanted);
    case 'prompt':
      return askFor(wanted, ask);
  }
}

async function askFor(wanted: Wanted, ask?: AskSecret): Promise<Secret> {
  if (ask === undefined) {
    throw new RunbookError('no-terminal', `${wanted.file} says "${wanted.key}: prompt", and nobody can be asked.`, {
      next: [`in fleet.yaml: ${wanted.key}: { env: NAME } or ${wanted.key}: { file: PATH }`],
    });
  }
  return ask(wanted.question);
}

function secretOf(text: string, where: string, wanted: Wanted): Secret {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') {
    throw sourceError(wanted, `${where} gives no password.`);
  }
  if (line.length > limitChars || /[\r\n\0]/.test(line)) {
    throw sourceError(wanted, `${where} gives more than one line, or a line too long for a password.`);
  }
  return new Secret(line);
}

async function readSecretFile(path: string, wanted: Wanted): Promise<string> {
  const full = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
  const place = isAbsolute(full) ? full : join(dirname(wanted.file), full);
  return readFile(place, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw sourceError(wanted, `the password file ${place} cannot be read (${error.code}).`);
  });
}

async function runCommand(argv: readonly string[], wanted: Wanted): Promise<string> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const chunks: string[] = [];
  let length = 0;
  let cut = '';
  // What the command itself started may hold the pipe open, so ending the command is not enough.
  const end = (why: string) => {
    cut = why;
    child.kill('SIGKILL');
    child.stdout.destroy();
  };
  const timer = setTimeout(() => end(`did not end within ${commandTimeoutMs / 1000} s`), commandTimeoutMs);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > limitChars) {
      end('gives more than a password');
    }
  });
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(`could not be started (${error.code})`));
    child.once('close', (status, signal) => resolve(status === 0 ? '' : `ended with ${signal ?? `status ${status}`}`));
  });
  clearTimeout(timer);
  if (cut !== '' || ended !== '') {
    throw sourceError(wanted, `the password command ${program} ${cut || ended}.`);
  }
  return chunks.join('');
}

function sourceError(wanted: Wanted, message: string): RunbookError {
  return new RunbookError('fleet-file', message, {
    facts: [`named as ${wanted.key} in ${wanted.file}`],
    next: [wanted.instead],
  });
}
