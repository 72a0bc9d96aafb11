import { join } from 'node:path';
import { z } from 'zod';
import { RunbookError } from '../errors.js';
import { toJson } from '../model/json.js';
import { makeDirectory, readSmall, writeWhole } from './repository/durable.js';
import type { Repository } from './repository/repository.js';
import { fingerprintOf, type SignerIdentity } from './sign.js';
import { backupConfigDirectory, ownSigners } from './signer-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

const trustSchema = z.strictObject({
  schema: z.literal('redis-runbook/trusted-signers/1'),
  repository: z.string(),
  signers: z.array(
    z.strictObject({ name: z.string().max(200), key: z.string().max(200), acceptedAt: z.iso.datetime() }),
  ),
});

/** Whose signatures count for one repository: this user's own, and those accepted by name. */
export interface Trust {
  readonly signers: readonly SignerIdentity[];
  /** Where accepted signers are written; in this user's own configuration, never in the repository. */
  readonly path: string;
}

/** Whether a key is one of those that count. The name is not asked: only the key is the truth. */
export function isTrusted(trust: Trust, signer: SignerIdentity): boolean {
  return trust.signers.some(({ key }) => key === signer.key);
}

/** Reads whose signatures count. Rejects with RunbookError `repository` when the trust file was not written by this tool. */
export async function readTrust(repository: Repository, env: Environment): Promise<Trust> {
  const path = join(backupConfigDirectory(env), 'trusted-signers', `${repository.id}.json`);
  return { path, signers: [...(await ownSigners(env)), ...(await readAccepted(path))] };
}

/** The signer under the name that we know its key by: what a signature file calls its signer is anybody's word. */
export function knownAs(trust: Trust, signer: SignerIdentity): SignerIdentity {
  return trust.signers.find(({ key }) => key === signer.key) ?? signer;
}

type Accepted = z.infer<typeof trustSchema>['signers'];

async function readAccepted(path: string): Promise<Accepted> {
  const bytes = await readSmall(path, 1024 * 1024);
  if (bytes === undefined) return [];
  try {
    return trustSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).signers;
  } catch {
    throw new RunbookError('repository', `${path} says whose backups are trusted, and was not written by this tool.`, {
      next: [`look at it; to trust nobody but yourself: rm ${path}`],
    });
  }
}

/**
 * Accepts one of the signers that were seen, by name or by fingerprint, for this repository. Rejects with RunbookError
 * `unknown-signer` when none is called so, two keys are, or a trusted signer of that name has another key.
 */
export async function acceptSigner(
  wanted: string,
  seen: readonly SignerIdentity[],
  repository: Repository,
  trust: Trust,
  now: Date,
): Promise<{ readonly accepted: SignerIdentity; readonly trust: Trust }> {
  const found = new Map(
    seen
      .filter((one) => one.name === wanted || fingerprintOf(one.key) === wanted.toUpperCase())
      .map((one) => [one.key, one]),
  );
  const [accepted, ...others] = found.values();
  if (accepted === undefined) throw notSeen(wanted, seen, repository);
  if (others.length > 0) throw several(wanted, [accepted, ...others]);
  if (isTrusted(trust, accepted)) return { accepted, trust };
  const namesake = trust.signers.find(({ name }) => name === accepted.name);
  if (namesake !== undefined && wanted === accepted.name) throw another(accepted, namesake);
  const before = await readAccepted(trust.path);
  const signers = [...before, { ...accepted, acceptedAt: now.toISOString() }];
  await makeDirectory(join(trust.path, '..'));
  await writeWhole(
    trust.path,
    `${toJson({ schema: 'redis-runbook/trusted-signers/1', repository: repository.id, signers }, 2)}\n`,
  );
  return { accepted, trust: { ...trust, signers: [...trust.signers, accepted] } };
}

function shown({ name, key }: SignerIdentity): string {
  return `${name}  ${fingerprintOf(key)}`;
}

function notSeen(wanted: string, seen: readonly SignerIdentity[], repository: Repository): RunbookError {
  return new RunbookError(
    'unknown-signer',
    `Nobody called ${JSON.stringify(wanted)} has signed a backup in ${repository.place}.`,
    {
      facts: seen.map((one) => `signed by ${shown(one)}`),
      next: ['redis-runbook backup list'],
    },
  );
}

function several(wanted: string, found: readonly SignerIdentity[]): RunbookError {
  return new RunbookError(
    'unknown-signer',
    `Several keys call themselves ${wanted}: one of them may be a stranger's.`,
    {
      facts: found.map(shown),
      next: ['ask its owner for the fingerprint, then --accept-signer FINGERPRINT'],
    },
  );
}

function another(found: SignerIdentity, trusted: SignerIdentity): RunbookError {
  return new RunbookError('unknown-signer', `${found.name} is trusted with another key: this may be a stranger.`, {
    facts: [`trusted: ${fingerprintOf(trusted.key)}`, `found:   ${fingerprintOf(found.key)}`],
    next: [`ask the owner; if the key is new: --accept-signer ${fingerprintOf(found.key)}`],
  });
}
