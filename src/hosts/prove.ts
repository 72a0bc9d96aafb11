import type { Resp } from '../model/raw-host.js';
import { REDACTED } from '../model/secret.js';
import type { From, NotSeen } from '../model/seen.js';
import { encodeText } from '../redis/byte-text.js';
import type { Credentials } from '../redis/credentials.js';
import type { RedisAccess } from './host.js';
import { missed } from './reading.js';
import type { RedisEndpoint } from './redis-endpoint.js';
import type { Link } from './redis-link.js';

/** What sends one command and gives its answer. */
export type Asked = Pick<Link, 'send'>;

/** The words of an error that a server answered with; undefined for any other answer. */
export function errorOf(answer: Resp): string | undefined {
  return answer !== null && typeof answer === 'object' && 'error' in answer ? answer.error : undefined;
}

/** Words with which a server turns a client away; anything else it says to PING (LOADING, MASTERDOWN, MISCONF, BUSY) is life. */
const needsPassword = /^(NOAUTH|NOPERM|ERR operation not permitted)/;
const turnsAway = /^(NOAUTH|NOPERM|WRONGPASS|DENIED|ERR operation not permitted|ERR invalid password)/;
const isFull = /^ERR max number of clients/;

async function ping(link: Asked, from: From): Promise<{ readonly error: string | undefined } | NotSeen> {
  const reply = await link.send(['PING']);
  if (reply.kind === 'lost') return missed(reply.why, reply.detail, from);
  return { error: errorOf(reply.answer) };
}

/** The password once, and the server's words without it: `unknown command 'AUTH', with args beginning with: …` repeats it. */
async function authenticate(link: Asked, { password, user }: Credentials, from: From): Promise<NotSeen | undefined> {
  const who = user === undefined ? [] : [encodeText(user)];
  const reply = await password.reveal((text) => link.send(['AUTH', ...who, encodeText(text)]));
  if (reply.kind === 'lost') return missed(reply.why, reply.detail, from);
  const error = errorOf(reply.answer);
  if (error === undefined) return undefined;
  return missed(
    'denied',
    password.reveal((text) => (text === '' ? error : error.replaceAll(text, REDACTED))),
    from,
  );
}

/**
 * A link is proven by PING; the password is sent only when the server asks for one, or fleet.yaml names a user, and only
 * when the host vouches for what listens there. Gives why it is of no use, undefined when it is.
 */
export async function prove(
  link: Asked,
  host: RedisAccess,
  endpoint: RedisEndpoint,
  from: From,
  signal: AbortSignal,
): Promise<NotSeen | undefined> {
  let pong = await ping(link, from);
  if ('ok' in pong) return pong;
  const { credentials } = endpoint;
  if (credentials && (credentials.always || needsPassword.test(pong.error ?? ''))) {
    const vouched = await host.vouch(endpoint, signal);
    if (!vouched.ok) return missed('denied', `no password is sent: ${vouched.detail}`, from);
    const failed = await authenticate(link, credentials, from);
    if (failed) return failed;
    pong = await ping(link, from);
    if ('ok' in pong) return pong;
  }
  if (turnsAway.test(pong.error ?? '')) return missed('denied', pong.error ?? '', from);
  return isFull.test(pong.error ?? '') ? missed('refused', pong.error ?? '', from) : undefined;
}
