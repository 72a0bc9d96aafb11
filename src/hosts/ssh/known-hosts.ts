import { createHash, createHmac } from 'node:crypto';

/** One line of a known-hosts file, sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownKey {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The names as written: patterns separated by commas, or one hashed name. */
  readonly names: string;
  readonly type: string;
  /** The key in base64, as written. */
  readonly key: string;
}

/** The host as known-hosts files name it. */
export interface KnownName {
  /** The alias where one is set (HostKeyAlias): then the port does not count. */
  readonly alias?: string;
  readonly hostName: string;
  readonly port: number;
}

/** A key that a file holds for the host, for messages. */
export interface HeldKey {
  readonly type: string;
  readonly fingerprint: string;
  readonly file: string;
  readonly line: number;
}

/** What the files say about the key that a host has shown. */
export type HostKeyState =
  | { readonly state: 'known'; readonly at: HeldKey }
  | { readonly state: 'unknown'; readonly certAuthority: boolean }
  | { readonly state: 'changed'; readonly old: readonly HeldKey[] }
  | { readonly state: 'revoked'; readonly at: HeldKey };

const KEY_TYPE = /^[a-z][a-z0-9@.-]*$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function lineOf(text: string, file: string, line: number): KnownKey | undefined {
  const words = text.trim().split(/[ \t]+/);
  if (words[0] === undefined || words[0] === '' || words[0].startsWith('#')) return undefined;
  const marker = words[0].startsWith('@') ? words.shift() : undefined;
  if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') return undefined;
  const [names, type, key] = words;
  if (names === undefined || type === undefined || key === undefined) return undefined;
  if (!KEY_TYPE.test(type) || !BASE64.test(key)) return undefined;
  const mark = marker === undefined ? 'none' : marker === '@revoked' ? 'revoked' : 'cert-authority';
  return { file, line, marker: mark, names, type, key };
}

/** The keys of a known-hosts file; lines that OpenSSH would not understand are passed over, as it does. */
export function parseKnownHosts(text: string, file: string): readonly KnownKey[] {
  return text.split('\n').flatMap((line, index) => lineOf(line, file, index + 1) ?? []);
}

/** The name that is looked up and written: `[host]:port` unless the port is 22 (misc.c:put_host_port). */
export function knownHostsName(name: KnownName): string {
  const bare = (name.alias ?? name.hostName).toLowerCase();
  return name.alias !== undefined || name.port === 22 ? bare : `[${bare}]:${name.port}`;
}

/** The name without the port, which OpenSSH accepts when it is known (sshconnect.c: "checking without port identifier"). */
function withoutPort(name: KnownName): string {
  return (name.alias ?? name.hostName).toLowerCase();
}

function matchesHash(hashed: string, name: string): boolean {
  const [, magic, salt, hash] = hashed.split('|');
  if (magic !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', bytesOf(salt)).update(name).digest('base64') === hash;
}

/** OpenSSH's match_pattern: only `*` and `?` are special; no regular expression, so that no pattern is slow. */
function matchesPattern(pattern: string, name: string): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p;
      mark = n;
      p += 1;
    } else if (pattern[p] === '?' || (pattern[p] !== undefined && pattern[p] === name[n])) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      n = mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** Whether the names of a line cover a name: a negated pattern that matches wins over all others (match.c:match_pattern_list). */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, name);
  const patterns = names.toLowerCase().split(',');
  const hits = (list: readonly string[]) => list.some((pattern) => matchesPattern(pattern, name));
  if (hits(patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)))) return false;
  return hits(patterns.filter((pattern) => !pattern.startsWith('!')));
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The fingerprint as OpenSSH prints it: SHA256 in base64 without padding. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key in SSH's own encoding names in its first field (`ssh-ed25519`); empty when it is no such key. */
export function keyType(key: Uint8Array): string {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const length = key.length < 4 ? 0 : view.getUint32(0);
  if (length > 64 || key.length < 4 + length) return '';
  return String.fromCharCode(...key.subarray(4, 4 + length));
}

function held(known: KnownKey): HeldKey {
  return { type: known.type, fingerprint: fingerprint(bytesOf(known.key)), file: known.file, line: known.line };
}

function isKey(known: KnownKey, key: string): boolean {
  return known.key.replace(/=+$/, '') === key.replace(/=+$/, '');
}

/**
 * Judges the key that a host has shown. A revoked key is refused whatever else is written; one of several keys of a
 * host is enough. A host that is known with other keys only, of whatever type, is `changed`: stricter than OpenSSH,
 * which calls another type new. Certificates are not read: `@cert-authority` lines make no key known.
 */
export function judgeHostKey(known: readonly KnownKey[], name: KnownName, key: Uint8Array): HostKeyState {
  const offered = base64Of(key);
  const covering = (wanted: string) => known.filter((line) => namesMatch(line.names, wanted));
  const own = covering(knownHostsName(name));
  const bare = covering(withoutPort(name));
  const revoked = [...own, ...bare].find((line) => line.marker === 'revoked' && isKey(line, offered));
  if (revoked !== undefined) return { state: 'revoked', at: held(revoked) };
  const plain = own.filter((line) => line.marker === 'none');
  const same = plain.find((line) => isKey(line, offered));
  if (same !== undefined) return { state: 'known', at: held(same) };
  if (plain.length > 0) return { state: 'changed', old: plain.map(held) };
  const elsewhere = bare.find((line) => line.marker === 'none' && isKey(line, offered));
  if (elsewhere !== undefined) return { state: 'known', at: held(elsewhere) };
  return { state: 'unknown', certAuthority: own.some((line) => line.marker === 'cert-authority') };
}

/** The types of the keys that are known for a host, so that the host is asked for one of those first. */
export function knownTypes(known: readonly KnownKey[], name: KnownName): readonly string[] {
  const covering = (wanted: string) =>
    known.filter((line) => line.marker === 'none' && namesMatch(line.names, wanted)).map((line) => line.type);
  const own = covering(knownHostsName(name));
  return [...new Set(own.length > 0 ? own : covering(withoutPort(name)))];
}

/** The line that makes a key known. */
export function knownHostsLine(name: KnownName, key: Uint8Array): string {
  return `${knownHostsName(name)} ${keyType(key)} ${base64Of(key)}\n`;
}
