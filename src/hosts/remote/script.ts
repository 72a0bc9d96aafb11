import { ChannelLost, type ExecResult } from '../channel.js';
import { ChangedUnderneath } from '../host.js';
import { fileError } from '../local-files.js';

/**
 * Statuses that our scripts end with, so that a refusal needs no text: standard error may be mixed with sudo's. The
 * shell's own (1, 2, 126, 127) and signals (128 and more) stay free.
 */
const codes: Readonly<Record<number, readonly [code: string, says: string]>> = {
  40: ['ENOENT', 'no such file or directory'],
  41: ['EACCES', 'permission denied'],
  42: ['ELOOP', 'is a link: not followed'],
  43: ['ENOTDIR', 'not a directory'],
  44: ['ENOSPC', 'no space left on the device'],
  45: ['EROFS', 'the file system is read-only'],
  46: ['EISDIR', 'is a directory'],
  47: ['EINVAL', 'is not a regular file'],
  48: ['EFBIG', 'is larger than may be read'],
  50: ['ESTALE', 'was replaced while it was looked at'],
  51: ['ENOSYS', 'this host has none of sha256sum, openssl, shasum'],
  52: ['EPERM', 'may be changed by users that nobody can act as: refused'],
  53: ['ELOOP', 'leads elsewhere than its name says: refused'],
  54: ['ENOTSUP', 'its access control list or SELinux label cannot be kept: nothing was written'],
  56: ['EIO', 'arrived incomplete: nothing was written'],
};

/** Statuses that mean that a file was not what was read: nothing was written. */
const changes: Readonly<Record<number, string>> = {
  60: 'changed since it was read: nothing was written',
  61: 'is gone: nothing was written',
  62: 'is there already: nothing was written',
  63: 'was replaced since it was read: nothing was written',
  64: 'changed while it was being replaced: what was there is back in place',
};

/** The status of a kept file that holds another content than the one to keep. */
const OTHER_CONTENT = 65;

const texts: readonly (readonly [RegExp, number])[] = [
  [/No such file/, 40],
  [/Permission denied|not permitted/i, 41],
  [/Too many levels/, 42],
  [/[Nn]ot a directory/, 43],
  [/No space left|quota exceeded/i, 44],
  [/Read-only file system/, 45],
  [/Is a directory/, 46],
];

/**
 * What every script begins with: a fixed environment (nothing of the login user's), private files, and `because TEXT`,
 * which ends with the status that fits a system error in words.
 */
export const PRELUDE = `set -u
umask 077
LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
because() {
  printf '%s\\n' "$1" >&2
  case $1 in
    *'No such file'*) exit 40 ;; *'ermission denied'*|*'not permitted'*) exit 41 ;; *'Too many levels'*) exit 42 ;;
    *'ot a directory'*) exit 43 ;; *'No space left'*|*'quota exceeded'*) exit 44 ;;
    *'Read-only file system'*) exit 45 ;; *'Is a directory'*) exit 46 ;;
  esac
  exit 49
}
`;

/**
 * sha256 in lower-case hex, with whatever this host has for it: `hash_of FILE` sets HASH (empty where the file cannot be
 * read), `hashed` prints that of standard input.
 */
export const HASHED = `SUM=
for each in 'sha256sum:sha256sum' 'openssl:openssl dgst -sha256 -r' 'shasum:shasum -a 256'; do
  if command -v "\${each%%:*}" > /dev/null 2>&1; then SUM=\${each#*:}; break; fi
done
[ -n "$SUM" ] || exit 51
only_hash() { HASH=\${HASH%% *}; HASH=\${HASH#\\\\}; }
hash_of() { HASH=$($SUM < "$1"); only_hash; }
hashed() { HASH=$($SUM); only_hash; printf '%s' "$HASH"; }
`;

/** After HASHED and with SIZE: a file that takes its time is hashed by openssl where it works, with the processor's own instructions. */
export const QUICKLY_HASHED = `if [ "$SIZE" -ge 67108864 ] && command -v openssl > /dev/null 2>&1; then
  case $(printf '' | openssl dgst -sha256 -r 2> /dev/null) in e3b0c44298fc1c149afbf4c8*) SUM='openssl dgst -sha256 -r' ;; esac
fi
`;

function wordsOf(result: ExecResult): string {
  return new TextDecoder().decode(result.stderr).trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}

/** The end of a script as an error: a system error with its code, or ChangedUnderneath. */
export function failureOf(result: ExecResult, path: string): Error {
  const words = wordsOf(result);
  const change = changes[result.status ?? -1];
  if (change !== undefined) return new ChangedUnderneath(path, change);
  if (result.status === OTHER_CONTENT) return fileError('EEXIST', `${path}: another content is kept there`);
  const status = codes[result.status ?? -1] ? result.status : texts.find(([text]) => text.test(words))?.[1];
  const [code, says] = codes[status ?? -1] ?? ['EIO', `failed with ${result.signal ?? `status ${result.status}`}`];
  return fileError(code, `${code}: ${path} ${says}${words === '' ? '' : ` (${words})`}`);
}

/** A script that only looked and had no time to answer. */
export function timeoutError(what: string, timeoutMs: number): Error {
  return Object.assign(new Error(`${what}: no answer in ${timeoutMs} ms`), { name: 'TimeoutError' });
}

/** A script that changes something and had no time to answer: whether it did is not known. */
export function unknownEnd(host: string, what: string): ChannelLost {
  return new ChannelLost(`${host}: ${what} did not end in time: whether it had its effect is not known`);
}

/** The output of a script as text. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
