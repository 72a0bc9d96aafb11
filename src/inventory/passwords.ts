import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { Inventory, NodeEntry, PasswordSource, Passwords } from '../model/inventory.js';
import { Secret } from '../model/secret.js';

/** Asks a person for a secret without showing it; `question` ends without a colon. */
export type AskSecret = (question: string) => Promise<Secret>;

const limitChars = 8192;
const commandTimeoutMs = 30_000;

/**
 * The password of every node for which fleet.yaml names a source, by node id; nodes whose own config file decides are
 * left out. Each source is asked once, however many nodes use it. Rejects with `fleet-file` when a source gives
 * nothing and with `no-terminal` when it is a prompt and nobody can be asked.
 */
export async function resolvePasswords(inventory: Inventory, ask?: AskSecret): Promise<Passwords> {
  const bySource = new Map<string, Promise<Secret>>();
  const passwords = new Map<string, Secret>();
  for (const node of inventory.hosts.flatMap((host) => host.nodes)) {
    const source = sourceOf(inventory, node);
    if (source.from === 'node') {
      continue;
    }
    const key = JSON.stringify(source);
    const secret = bySource.get(key) ?? resolveSource(source, inventory, ask);
    bySource.set(key, secret);
    passwords.set(node.id, await secret);
  }
  return passwords;
}

function sourceOf(inventory: Inventory, node: NodeEntry): PasswordSource {
  return node.password ?? (node.kind === 'redis' ? inventory.password : { from: 'node' });
}

type GivenSource = Exclude<PasswordSource, { readonly from: 'node' }>;

async function resolveSource(source: GivenSource, inventory: Inventory, ask?: AskSecret): Promise<Secret> {
  switch (source.from) {
    case 'env':
      return secretOf(process.env[source.name] ?? '', `the environment variable ${source.name}`, inventory);
    case 'file':
      return secretOf(await readSecretFile(source.path, inventory), `the file ${source.path}`, inventory);
    case 'command':
      return secretOf(await runCommand(source.argv, inventory), `the command ${source.argv[0]}`, inventory);
    case 'prompt':
      return askFor(inventory, ask);
  }
}

async function askFor(inventory: Inventory, ask?: AskSecret): Promise<Secret> {
  if (ask === undefined) {
    throw new RunbookError('no-terminal', `${inventory.file} says "password: prompt", and nobody can be asked.`, {
      next: ['in fleet.yaml: password: { env: NAME } or password: { file: PATH }'],
    });
  }
  return ask(`Redis password of ${inventory.fleet}`);
}

function secretOf(text: string, where: string, inventory: Inventory): Secret {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') {
    throw sourceError(inventory, `${where} gives no password.`);
  }
  if (line.length > limitChars || /[\r\n\0]/.test(line)) {
    throw sourceError(inventory, `${where} gives more than one line, or a line too long for a password.`);
  }
  return new Secret(line);
}

async function readSecretFile(path: string, inventory: Inventory): Promise<string> {
  const full = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
  const place = isAbsolute(full) ? full : join(dirname(inventory.file), full);
  return readFile(place, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw sourceError(inventory, `the password file ${place} cannot be read (${error.code}).`);
  });
}

async function runCommand(argv: readonly string[], inventory: Inventory): Promise<string> {
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
    throw sourceError(inventory, `the password command ${program} ${cut || ended}.`);
  }
  return chunks.join('');
}

function sourceError(inventory: Inventory, message: string): RunbookError {
  return new RunbookError('fleet-file', message, {
    facts: [`named as the password in ${inventory.file}`],
    next: ["or let each node's own redis.conf decide: remove password: from the fleet file"],
  });
}
