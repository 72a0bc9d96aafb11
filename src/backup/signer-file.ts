import { open, stat } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { RunbookError } from '../errors.js';
import { toJson } from '../model/json.js';
import { makeDirectory, readSmall, writeOnce, writeWhole } from './repository/durable.js';
import { newKeyPem, type Signer, type SignerIdentity, signerName, signerOf } from './sign.js';

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
  const directory = backupConfigDirectory(env);
  if (given !== undefined && credentials !== undefined) {
    const signer = signerFrom(given, join(credentials, 'signing-key'));
    await remember(directory, signer);
    return signer;
  }
  const path = join(directory, 'signing-key.pem');
  await makeDirectory(directory);
  await writeOnceIfMissing(path);
  const { uid, mode } = await stat(path);
  if ((mode & 0o077) !== 0 || (uid !== process.getuid?.() && uid !== 0))
    throw badKey(path, 'others may read it', `chmod 600 ${path}`);
  return signerFrom((await readSmall(path, 64 * 1024)) ?? new Uint8Array(), path);
}

/** The public halves of what this user signs with: its own key, and the credential that it was last handed. None when it has never signed anything. */
export async function ownSigners(env: Environment): Promise<readonly SignerIdentity[]> {
  const directory = backupConfigDirectory(env);
  const there = await open(join(directory, 'signing-key.pem'), 'r').catch(() => undefined);
  await there?.close();
  const own = there === undefined ? [] : [await loadSigner({ ...env, CREDENTIALS_DIRECTORY: undefined })];
  return [...(await remembered(directory)), ...own.map(({ name, key }) => ({ name, key }))];
}

const CREDENTIAL_FILE = 'credential-signer.json';
const identity = z.strictObject({
  schema: z.literal('redis-runbook/credential-signer/1'),
  name: z.string().max(200),
  key: z.string().max(200),
});

/** systemd hands the credential to what makes backups, not to what looks at them afterwards (ExecStopPost), nor to a person. */
async function remember(directory: string, { name, key }: Signer): Promise<void> {
  const [before] = await remembered(directory);
  if (before?.key === key) return;
  await makeDirectory(directory);
  const said = { schema: 'redis-runbook/credential-signer/1', name, key };
  await writeWhole(join(directory, CREDENTIAL_FILE), `${toJson(said, 2)}\n`);
}

async function remembered(directory: string): Promise<readonly SignerIdentity[]> {
  const path = join(directory, CREDENTIAL_FILE);
  const bytes = await readSmall(path, 64 * 1024);
  if (bytes === undefined) return [];
  try {
    const { name, key } = identity.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return [{ name, key }];
  } catch {
    throw badKey(path, 'it was not written by this tool', `look at it; to trust the service's key no more: rm ${path}`);
  }
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
