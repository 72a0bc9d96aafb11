import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import ssh2, { type ParsedKey } from 'ssh2';
import type { Secret } from '../../model/secret.js';
import type { AskSecret } from './secrets.js';

/** A private key file: its public half, and how it is opened when the host has said that it would accept it. */
export interface KeyFile {
  readonly file: string;
  /** In SSH's own encoding. */
  readonly publicKey: Buffer;
  /** Asks for the passphrase when there is one; undefined when it was not given, or three times not right. */
  open(ask: AskSecret | undefined, signal: AbortSignal): Promise<ParsedKey | undefined>;
}

const MAGIC = 'openssh-key-v1\0';
const TRIES = 3;

function parse(text: Buffer | string, passphrase?: string): ParsedKey | undefined {
  const parsed: unknown = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? undefined : (key as ParsedKey);
}

/** The public key that stands unencrypted in front of OpenSSH's own format (PROTOCOL.key). */
function publicHalf(text: string): Buffer | undefined {
  const [, body] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text) ?? [];
  const bytes = Buffer.from(body ?? '', 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined;
  let at = MAGIC.length;
  const field = () => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    const value = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  for (const _ of ['cipher', 'kdf', 'kdf options']) field();
  at += 4;
  const key = field();
  return key.length > 0 ? Buffer.from(key) : undefined;
}

async function openKey(file: string, text: Buffer, ask: AskSecret | undefined, signal: AbortSignal) {
  const plain = parse(text);
  if (plain?.isPrivateKey()) return plain;
  let last: Secret | undefined;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const secret = await ask?.({ kind: 'passphrase', file }, attempt, signal);
    if (secret === undefined || last?.equals(secret)) return undefined;
    const key = secret.reveal((passphrase) => parse(text, passphrase));
    if (key?.isPrivateKey()) return key;
    last = secret;
  }
  return undefined;
}

/**
 * A private key file; undefined when it is missing, cannot be read, or says nothing about its public half (an
 * encrypted PEM without `.pub` beside it). A certificate beside it is not used.
 */
export async function readKeyFile(file: string): Promise<KeyFile | undefined> {
  const text = await readFile(file).catch(() => undefined);
  if (text === undefined) return undefined;
  const beside = await readFile(`${file}.pub`).catch(() => undefined);
  const publicKey =
    publicHalf(text.toString('latin1')) ?? parse(text)?.getPublicSSH() ?? (beside && parse(beside)?.getPublicSSH());
  if (publicKey === undefined) return undefined;
  return { file, publicKey, open: (ask, signal) => openKey(file, text, ask, signal) };
}

/** The public half of an identity of which only `FILE.pub`, or FILE as a public key, is here: the agent has the rest. */
export async function readPublicKey(file: string): Promise<Buffer | undefined> {
  for (const path of [file, `${file}.pub`]) {
    const text = await readFile(path).catch(() => undefined);
    const key = text === undefined ? undefined : parse(text);
    if (key !== undefined && !key.isPrivateKey()) return key.getPublicSSH();
  }
  return undefined;
}

/** The key for messages: its file's name. */
export function keySays(key: Pick<KeyFile, 'file'>): string {
  return `the key ${basename(key.file)} (${key.file})`;
}
