import type { Secret } from '../../model/secret.js';

/** What a login may need from a person. */
export type SecretRequest =
  | { readonly kind: 'passphrase'; readonly file: string }
  | { readonly kind: 'password'; readonly user: string; readonly machine: string }
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

/**
 * One question at a time, and each only once: passphrases and passwords are remembered for the run (a reconnect does
 * not ask again) until they are refused. Answers to a host's own prompts may be one-time codes and are not remembered.
 */
export function rememberSecrets(ask: AskSecret): AskSecret {
  const known = new Map<string, { readonly attempt: number; readonly secret: Promise<Secret | undefined> }>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: AskSecret = (request, attempt, signal) => {
    const next = last.then(() => ask(request, attempt, signal));
    last = next.catch(() => undefined);
    return next;
  };
  return (request, attempt, signal) => {
    if (request.kind === 'answer') return inTurn(request, attempt, signal);
    const name = request.kind === 'passphrase' ? `key ${request.file}` : `login ${request.user}@${request.machine}`;
    const before = known.get(name);
    if (before !== undefined && before.attempt >= attempt) return before.secret;
    const secret = inTurn(request, attempt, signal);
    known.set(name, { attempt, secret });
    const forget = () => {
      if (known.get(name)?.secret === secret) known.delete(name);
    };
    secret.then((given) => (given === undefined ? forget() : undefined), forget);
    return secret;
  };
}
