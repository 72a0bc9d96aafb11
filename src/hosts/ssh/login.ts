import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, NextAuthHandler, Prompt } from 'ssh2';
import type { Secret } from '../../model/secret.js';
import { KEY_IS_NEW } from '../channel.js';
import { identityAgent } from './identities.js';
import type { AskSecret } from './secrets.js';
import { hopSays, type SshHop } from './target.js';

/** What a login may use. */
export interface LoginPorts {
  readonly askSecret?: AskSecret;
  /** Whether a password may go to this machine (its key may have been accepted a moment ago). */
  mayHavePassword(): Promise<boolean>;
  readonly signal: AbortSignal;
}

/** A login under way: what ssh2 asks for its next method, and what was tried so far in words, without any secret. */
export interface Login {
  readonly handler: AuthHandlerMiddleware;
  readonly facts: readonly string[];
}

const PASSWORD_TRIES = 3;
/** ssh2 ends the login at `false`; its types do not say so. */
const NO_MORE = false as unknown as AuthenticationType;
type Method = 'agent' | 'keyboard-interactive' | 'password';
/** The name of a method on the wire (RFC 4252). */
const onTheWire: Readonly<Record<Method, AuthenticationType>> = {
  agent: 'publickey',
  'keyboard-interactive': 'keyboard-interactive',
  password: 'password',
};

/** A prompt that asks for the password of the account, whatever the dots: then it is remembered as one. */
function isPasswordPrompt(prompt: string): boolean {
  return /^(.*'s )?password( for .*)?:?\s*$/i.test(prompt.trim());
}

/** The passwords of one login: asked for again when the one before was refused, but never the same one twice. */
function passwords(hop: SshHop, ports: LoginPorts): () => Promise<Secret | undefined> {
  let attempt = 0;
  let last: Secret | undefined;
  return async () => {
    attempt += 1;
    if (attempt > PASSWORD_TRIES) return undefined;
    const request = { kind: 'password', user: hop.user, machine: hopSays(hop) } as const;
    const secret = await ports.askSecret?.(request, attempt, ports.signal);
    if (secret === undefined || last?.equals(secret)) return undefined;
    last = secret;
    return secret;
  };
}

/** The methods of one login in OpenSSH's order (PreferredAuthentications): keys, keyboard-interactive, password. */
export function login(hop: SshHop, ports: LoginPorts): Login {
  const facts: string[] = [];
  let keyboardTries = 0;
  const nextPassword = passwords(hop, ports);
  const done = new Set<Method>();
  let noMore = false;

  async function answers(prompts: readonly Prompt[]): Promise<readonly string[]> {
    const given: string[] = [];
    for (const { prompt, echo } of prompts) {
      const request = {
        kind: 'answer',
        user: hop.user,
        machine: hopSays(hop),
        prompt,
        isShown: echo === true,
      } as const;
      const secret = isPasswordPrompt(prompt)
        ? await nextPassword()
        : await ports.askSecret?.(request, 1, ports.signal);
      if (!secret) noMore = true;
      given.push(secret ? secret.reveal((text) => text) : '');
    }
    return given;
  }

  async function methodOf(method: Method): Promise<AnyAuthMethod | undefined> {
    const username = hop.user;
    if (method === 'agent') {
      done.add(method);
      const keys = await identityAgent(hop, ports.askSecret, ports.signal);
      if (keys === undefined) return undefined;
      facts.push(...keys.says.map((key) => `tried ${key}`));
      return { type: 'agent', username, agent: keys.agent };
    }
    if (ports.askSecret === undefined || noMore) return undefined;
    if (!(await ports.mayHavePassword())) {
      noMore = true;
      facts.push(KEY_IS_NEW);
      return undefined;
    }
    if (method === 'password') {
      const secret = await nextPassword();
      if (secret === undefined) {
        noMore = true;
        return undefined;
      }
      facts.push('tried a password');
      return secret.reveal((password) => ({ type: 'password', username, password }));
    }
    keyboardTries += 1;
    if (keyboardTries === PASSWORD_TRIES) done.add(method);
    if (keyboardTries === 1) facts.push('tried answers to its prompts');
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        answers(prompts).then(
          (given) => finish([...given]),
          () => finish([]),
        );
      },
    };
  }

  async function next(left: readonly AuthenticationType[] | null, give: NextAuthHandler): Promise<void> {
    const allowed: readonly Method[] = [
      'agent',
      ...(hop.mayUseKeyboard ? (['keyboard-interactive'] as const) : []),
      ...(hop.mayUsePassword ? (['password'] as const) : []),
    ];
    for (const method of allowed) {
      if (done.has(method) || (left !== null && !left.includes(onTheWire[method]))) continue;
      // Nothing is known of the host's methods yet: a password is not offered on a guess.
      if (left === null && method !== 'agent') continue;
      const found = await methodOf(method);
      if (found !== undefined) return give(found);
    }
    if (left === null) return give('none');
    give(NO_MORE);
  }

  const handler = (left: AuthenticationType[] | null, _partial: boolean | null, give: NextAuthHandler) => {
    next(left, give).catch(() => give(NO_MORE));
  };
  return { handler, facts };
}
