import { open, stat } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';
import { makeDirectory, readSmall, writeOnce } from './repository/durable.js';
import { newKeyPem, type Signer, signerName, signerOf } from './sign.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where this user's signing key and the signers that this user trusts are kept: `$XDG_CONFIG_HOME/redis-runbook/backup`. */
export function backupConfigDirectory(env: Environment): string {
  const given = env.XDG_CONFIG_HOME;
  const base = given !== undefined && isAbsolute(given) ? given : join(env.HOME ?? homedir(), '.config');
  return join(base, 'redis-runbook', 'backup');
}

/**
 * The signer of this user: `signing-key.pem` (0600), made when there is none. Under systemd the credential
 * `signing-key` wins. Rejects with RunbookError `repository` when the key is no Ed25519 key, or others may read it.
 */
export async function loadSigner(env: Environment): Promise<Signer> {
  const credentials = env.CREDENTIALS_DIRECTORY;
  const given = credentials === undefined ? undefined : await readSmall(join(credentials, 'signing-key'), 64 * 1024);
  if (given !== undefined && credentials !== undefined) return signerFrom(given, join(credentials, 'signing-key'));
  const directory = backupConfigDirectory(env);
  const path = join(directory, 'signing-key.pem');
  await makeDirectory(directory);
  await writeOnceIfMissing(path);
  const { uid, mode } = await stat(path);
  if ((mode & 0o077) !== 0 || (uid !== process.getuid?.() && uid !== 0))
    throw badKey(path, 'others may read it', `chmod 600 ${path}`);
  return signerFrom((await readSmall(path, 64 * 1024)) ?? new Uint8Array(), path);
}

/** The public half of this user's signer; undefined when this user has never signed anything. */
export async function ownSigner(env: Environment): Promise<Signer | undefined> {
  const there = await open(join(backupConfigDirectory(env), 'signing-key.pem'), 'r').catch(() => undefined);
  await there?.close();
  return there === undefined && env.CREDENTIALS_DIRECTORY === undefined ? undefined : loadSigner(env);
}

async function writeOnceIfMissing(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) await writeOnce(path, newKeyPem());
}

function signerFrom(pem: Uint8Array, path: string): Signer {
  try {
    return signerOf(myName(), new TextDecoder().decode(pem));
  } catch (error) {
    throw badKey(path, error instanceof Error ? error.message : String(error), 'bring the right key back from a copy');
  }
}

/** `mina@ops1`; what cannot stand in a name becomes `_`. */
function myName(): string {
  const plain = (text: string) => text.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 60);
  const name = `${plain(userInfo().username)}@${plain(hostname())}`;
  return signerName(name) ? name : `_${name}`;
}

function badKey(path: string, why: string, next: string): RunbookError {
  return new RunbookError('repository', `The signing key ${path} cannot be used: ${why}.`, { next: [next] });
}
