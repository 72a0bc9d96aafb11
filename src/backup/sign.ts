import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';
import type { BackupCheck, BackupManifest } from '../model/backup.js';
import { canonicalJson } from './canonical.js';
import { parseCheck, parseManifest, sumsOf } from './manifest.js';
import { nameSchema } from './manifest-schema.js';
import type { SealedManifest } from './repository/repository.js';

/** Whoever signs: a name for people, and an Ed25519 key that is the truth. */
export interface SignerIdentity {
  /** `mina@ops1`: what the signer calls itself. */
  readonly name: string;
  /** The public key, SPKI DER in base64. */
  readonly key: string;
}

/** A signer that can sign. The private key stays inside. */
export interface Signer extends SignerIdentity {
  sign(bytes: Uint8Array): Uint8Array;
}

const signatureSchema = z.strictObject({
  schema: z.literal('redis-runbook/signature/1'),
  algorithm: z.literal('ed25519'),
  signer: z.string().max(200),
  key: z.string().max(200),
  signature: z.string().max(200),
});

/** What a signature file says of the bytes beside it. `made`: whoever holds this key signed exactly these bytes. */
export type SignatureVerdict =
  | { readonly made: true; readonly by: SignerIdentity }
  | { readonly made: false; readonly why: 'missing' | 'unreadable' | 'forged'; readonly text: string };

/** A fresh Ed25519 private key as PEM (PKCS 8). */
export function newKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The signer of a PEM private key. Throws Error when it is no Ed25519 key, or `name` cannot be a signer's. */
export function signerOf(name: string, pem: string): Signer {
  if (!signerName(name)) throw new Error(`${JSON.stringify(name)} cannot name a signer`);
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  const shown = publicText(createPublicKey(key));
  return { name, key: shown, sign: (bytes) => sign(null, bytes, key) };
}

/** Whether a text can be the name of a signer: as names of fleet.yaml, with `@`. */
export function signerName(text: string): boolean {
  return nameSchema.safeParse(text.replaceAll('@', '_')).success;
}

function publicText(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** The first 128 bits of the key's sha256, in groups of four, to be compared by people: `9F3C-...`. */
export function fingerprintOf(key: string): string {
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex').slice(0, 32).toUpperCase();
  return (digest.match(/.{4}/g) ?? []).join('-');
}

/** The signature file for these bytes: JSON; `signature` is the plain Ed25519 signature of the bytes. */
export function signatureOf(bytes: Uint8Array, signer: Signer): Uint8Array {
  return canonicalJson({
    schema: 'redis-runbook/signature/1',
    algorithm: 'ed25519',
    signer: signer.name,
    key: signer.key,
    signature: Buffer.from(signer.sign(bytes)).toString('base64'),
  });
}

/** Whether a signature file fits these bytes, and whose key made it. Whether that key is trusted is another question. */
export function checkSignature(bytes: Uint8Array, file: Uint8Array | undefined): SignatureVerdict {
  if (file === undefined) return { made: false, why: 'missing', text: 'there is no signature' };
  const said = readSignature(file);
  if (said === undefined) return { made: false, why: 'unreadable', text: 'the signature cannot be read' };
  const key = publicKeyOf(said.key);
  if (key === undefined || !signerName(said.signer)) {
    return {
      made: false,
      why: 'unreadable',
      text: 'the signature names no Ed25519 key, or its signer has no proper name',
    };
  }
  if (!verify(null, bytes, key, Buffer.from(said.signature, 'base64'))) {
    return {
      made: false,
      why: 'forged',
      text: `the signature of ${said.signer} does not fit: it was made for something else`,
    };
  }
  return { made: true, by: { name: said.signer, key: said.key } };
}

/** Only in the one form that we write: nothing can be changed in a signature file but the name, which proves nothing. */
function readSignature(file: Uint8Array): z.infer<typeof signatureSchema> | undefined {
  try {
    const said = signatureSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file)));
    const isPlain = Buffer.from(said.signature, 'base64').toString('base64') === said.signature;
    return isPlain && Buffer.from(canonicalJson(said)).equals(file) ? said : undefined;
  } catch {
    return undefined;
  }
}

/** The key of an SPKI text, only in the one form that we write: two texts are two keys. */
function publicKeyOf(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' && publicText(key) === text ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The three files that make a backup complete. Throws Error when the manifest is one that `parseManifest` would refuse. */
export function sealManifest(manifest: BackupManifest, signer: Signer): SealedManifest {
  const files = [...manifest.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const whole = { ...manifest, files };
  const bytes = canonicalJson(whole);
  const parsed = parseManifest(bytes);
  if (!parsed.ok)
    throw new Error(`the manifest cannot be written: ${parsed.troubles.map(({ text }) => text).join('; ')}`);
  return { manifest: bytes, signature: signatureOf(bytes, signer), sums: sumsOf(whole, bytes) };
}

/** A check record and its signature, as they are stored. Throws Error when it is one that `parseCheck` would refuse. */
export function sealCheck(
  check: BackupCheck,
  signer: Signer,
): { readonly record: Uint8Array; readonly signature: Uint8Array } {
  const record = canonicalJson(check);
  const parsed = parseCheck(record);
  if (!parsed.ok)
    throw new Error(`the check record cannot be written: ${parsed.troubles.map(({ text }) => text).join('; ')}`);
  return { record, signature: signatureOf(record, signer) };
}
