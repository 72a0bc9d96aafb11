import { keyedHash } from '../../model/secret.js';
import { secretSpans } from '../../redis/secret-spans.js';
import { redactConfig } from '../../redis/secrets.js';
import { isPlaceholder, startsComment } from '../starts/nearest-form.js';
import type { SecretFacts } from '../view.js';

/** The passwords that everybody tries first, and those of templates and tutorials. */
const common: ReadonlySet<string> = new Set(
  'foobared password passw0rd redis valkey secret admin root test default qwerty letmein changeme change-me mypassword master sentinel welcome abc123 123456 12345678 1234 1111 0000'.split(
    ' ',
  ),
);

const placeholder =
  /^<[^<>]*>$|^\$\{?\w+\}?$|^\{\{.*\}\}$|^%\w+%$|^(?:your|my)[-_]?(?:strong[-_]?)?pass(?:word)?$|^x{3,}$|^change[-_]?(?:me|it)/i;

/** What can be noticed of a password and kept without keeping the password. */
export function secretFacts(password: string): SecretFacts {
  return {
    short: password.length < 16,
    digitsOnly: /^\d+$/.test(password),
    common: common.has(password.toLowerCase()),
    placeholder: placeholder.test(password) || /^foobared$/i.test(password),
    oddEnds: /^[#<]|\s$/.test(password),
    looks: looksOf(password),
  };
}

function looksOf(password: string): SecretFacts['looks'] {
  if (/^[0-9a-f]{64}$/.test(password)) return 'hash';
  if (isPlaceholder(password)) return 'placeholder';
  return startsComment(password) ? 'comment' : 'password';
}

/** A config text without its secrets; what was noticed of each secret goes to `into`, by keyed hash. */
export function withoutSecrets(text: string, into: Map<string, SecretFacts>): string {
  return text
    .split('\n')
    .map((raw) => {
      if (!mayHoldSecret.test(raw)) return raw;
      for (const { word } of secretSpans(raw)) into.set(keyedHash(word), secretFacts(word));
      return redactConfig(raw).text;
    })
    .join('\n');
}

/** What every line has that holds a secret which src/redis/secret-spans.ts finds; quotes and escapes may hide a directive's letters. */
const mayHoldSecret = /pass|auth|user|\s-a\s|["'\\]/i;
