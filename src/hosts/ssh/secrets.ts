import type { Secret } from '../../model/secret.js';

/** What a login may need from a person. */
export type SecretRequest =
  | { readonly kind: 'passphrase'; readonly file: string }
  | { readonly kind: 'password'; readonly user: string; readonly machine: string }
  /** For sudo on a machine where somebody is logged in already. */
  | { readonly kind: 'sudo'; readonly user: string; readonly machine: string }
  /** A prompt of the host (keyboard-interactive); its words are the host's and hostile until escaped. */
  | {
      readonly kind: 'answer';
      readonly user: string;
      readonly machine: string;
      readonly prompt: string;
      readonly isShown: boolean;
    };

/** Asks a person; `attempt` counts from 1, above 1 the one before was refused. Undefined: there is no answer. */
export type AskSecret = (request: SecretRequest, attempt: number, signal: AbortSignal) => Promise<Secret | undefined>;

interface Remembered {
  readonly attempt: number;
  readonly secret: Promise<Secret | undefined>;
}

/**
 * One question at a time, and each only once: passphrases and passwords are remembered for the run (a reconnect does
 * not ask again) until they are refused. One account of several machines has one password until a machine refuses it:
 * then another is asked for that machine alone. Answers to a host's own prompts may be one-time codes and are not remembered.
 */
export function rememberSecrets(ask: AskSecret): AskSecret {
  const known = new Map<string, Remembered>();
  const accounts = new Map<string, Promise<Secret | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: AskSecret = (request, attempt, signal) => {
    const next = last.then(() => ask(request, attempt, signal));
    last = next.catch(() => undefined);
    return next;
  };
  const keep = (name: string, account: string, one: Remembered) => {
    known.set(name, one);
    if (!accounts.has(account)) accounts.set(account, one.secret);
    const forget = () => {
      if (known.get(name) === one) known.delete(name);
      if (accounts.get(account) === one.secret) accounts.delete(account);
    };
    one.secret.then((given) => (given === undefined ? forget() : undefined), forget);
    return one.secret;
  };
  return (request, attempt, signal) => {
    if (request.kind === 'answer') return inTurn(request, attempt, signal);
    const account = request.kind === 'passphrase' ? `key ${request.file}` : `${request.kind} ${request.user}`;
    const name = request.kind === 'passphrase' ? account : `${account}@${request.machine}`;
    const before = known.get(name);
    if (before !== undefined && before.attempt >= attempt) return before.secret;
    const shared = attempt === 1 ? accounts.get(account) : undefined;
    const secret = shared ?? inTurn(request, attempt, signal);
    return keep(name, account, { attempt, secret });
  };
}
