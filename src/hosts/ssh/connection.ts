import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import { RunbookError } from '../../errors.js';
import { onAbort, reasonOf } from '../reading.js';
import { loginRefused, tooOld, unreachable, type Way } from './connect-errors.js';
import { login } from './login.js';
import type { AskSecret } from './secrets.js';
import { readInPlace, sshSocket } from './socket.js';
import { knownNameOf, type SshHop, type SshTarget } from './target.js';
import type { HostKeyVerifier } from './verifier.js';

/** What connecting needs; there is none without a verifier. */
export interface ConnectPorts {
  readonly verify: HostKeyVerifier;
  readonly askSecret?: AskSecret;
}

/** A login to the target, with the jump hosts that it goes through. */
export interface Connection {
  readonly client: Client;
  /** Ends when the connection is lost or closed. */
  readonly lost: AbortSignal;
  close(): void;
}

/** Time for the exchange of keys and for the login, without the time that questions take. */
const LOGIN_TIMEOUT_MS = 20_000;
const CLOSE_GRACE_MS = 300;
const KEEPALIVE_MS = 5000;
const KEEPALIVE_MISSES = 3;

/** Without SHA-1 (ssh-rsa, hmac-sha1) and CBC; AES-GCM first: several times as fast as the others here. */
const ALGORITHMS = {
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies ConnectConfig['algorithms'];

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** A key that is known is asked for first, as OpenSSH does (sshconnect2.c:order_hostkeyalgs): else the host shows another one. */
function hostKeyOrder(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const isKnown = (name: string) => types.includes(name.startsWith('rsa-sha2') ? 'ssh-rsa' : name);
  return [...HOST_KEYS.filter(isKnown), ...HOST_KEYS.filter((name) => !isKnown(name))];
}

/** A time limit that stands still while a person is asked. */
function patience(limitMs: number, over: () => void) {
  let leftMs = limitMs;
  let since = Date.now();
  let asking = 0;
  let timer: NodeJS.Timeout | undefined = setTimeout(over, leftMs);
  const pause = () => {
    clearTimeout(timer);
    if (asking === 0) leftMs -= Date.now() - since;
    asking += 1;
  };
  const resume = () => {
    asking -= 1;
    since = Date.now();
    if (asking === 0 && timer !== undefined) timer = setTimeout(over, Math.max(leftMs, 1));
  };
  return {
    whileAsking: async <T>(ask: () => Promise<T>): Promise<T> => {
      pause();
      return ask().finally(resume);
    },
    cancel: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

async function dial(way: Way, isTarget: boolean, signal: AbortSignal): Promise<Duplex> {
  const { hostName, port, family, connectTimeoutMs } = way.hop;
  const socket = sshSocket({ host: hostName, port, ...(family === undefined ? {} : { family }) });
  // Between here and the login nobody listens: a machine that goes away then must not end this process. `enter` looks.
  socket.on('error', () => undefined);
  const limit = AbortSignal.timeout(connectTimeoutMs);
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, limit]) });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable(way, isTarget, limit.aborted ? `no answer in ${connectTimeoutMs / 1000} s` : reasonOf(error));
  }
}

/** The next hop's port as seen from the hop before. */
function dialThrough(before: Client, way: Way, isTarget: boolean, signal: AbortSignal): Promise<Duplex> {
  const { hostName, port, connectTimeoutMs } = way.hop;
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => reject(unreachable(way, isTarget, detail));
    const timer = setTimeout(() => fail(`no answer in ${connectTimeoutMs / 1000} s`), connectTimeoutMs);
    const forget = onAbort(signal, () => reject(signal.reason));
    before.forwardOut('127.0.0.1', 0, hostName, port, (error, stream) => {
      clearTimeout(timer);
      forget();
      if (error) fail(error.message);
      else resolve(stream);
    });
  });
}

interface Step {
  readonly way: Way;
  readonly isTarget: boolean;
  readonly stream: Duplex;
  readonly ports: ConnectPorts;
  readonly signal: AbortSignal;
}

/** ssh2's error as the one that a person reads. */
function failure(error: Error & { readonly level?: string }, step: Step, facts: readonly string[]): Error {
  const { way, isTarget } = step;
  if (error.level === 'client-authentication')
    return loginRefused(way, isTarget, facts, 'nothing that was offered is accepted');
  if (/too many authentication failures/i.test(error.message)) return loginRefused(way, isTarget, facts, error.message);
  if (/no matching|handshake failed/i.test(error.message)) return tooOld(way, isTarget, error.message);
  return unreachable(way, isTarget, error.message);
}

/** Keys, then login, over a stream that is connected. The only place that makes a Client: never without a verifier. */
async function enter(step: Step): Promise<Client> {
  const { way, isTarget, stream, ports, signal } = step;
  const types = await ports.verify.typesOf(way.hop);
  if (stream.destroyed) throw unreachable(way, isTarget, stream.errored?.message ?? 'it closed the connection');
  const client = new Client();
  return new Promise<Client>((resolve, reject) => {
    let refused: unknown;
    const fail = (error: unknown) => {
      reject(error);
      limit.cancel();
      forget();
      client.destroy();
      stream.destroy();
    };
    const limit = patience(LOGIN_TIMEOUT_MS, () =>
      fail(unreachable(way, isTarget, `no login in ${LOGIN_TIMEOUT_MS / 1000} s`)),
    );
    const forget = onAbort(signal, () => fail(signal.reason));
    const { askSecret, verify } = ports;
    const ask = askSecret && ((...args: Parameters<AskSecret>) => limit.whileAsking(() => askSecret(...args)));
    const attempt = login(way.hop, {
      ...(ask === undefined ? {} : { askSecret: ask }),
      mayHavePassword: () => limit.whileAsking(() => verify.mayHavePassword(way.hop, signal)),
      signal,
    });
    client.on('handshake', ({ sc }) => readInPlace(stream, sc.cipher));
    client.on('ready', () => {
      limit.cancel();
      forget();
      resolve(client);
    });
    // An agent's refusal of one key is no error: the next key is tried.
    client.on('error', (error: Error & { readonly level?: string }) => {
      if (error.level !== 'agent') fail(refused ?? failure(error, step, attempt.facts));
    });
    client.on('close', () => fail(refused ?? unreachable(way, isTarget, 'it closed the connection during the login')));
    client.connect({
      sock: stream,
      username: way.hop.user,
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVE_MISSES,
      agentForward: false,
      algorithms: { ...ALGORITHMS, serverHostKey: hostKeyOrder(types) },
      authHandler: attempt.handler,
      hostVerifier: (key: Buffer, decide: (isRight: boolean) => void) => {
        const judge = () => verify.verify(way, isTarget, key, signal);
        limit.whileAsking(judge).then(
          () => decide(true),
          (error: unknown) => {
            refused = error;
            decide(false);
          },
        );
      },
    });
  });
}

/**
 * Logs in to the target, hop by hop, each hop's key verified. Rejects with RunbookError `unreachable`, `host-key` or
 * `login`, or with the signal's reason.
 */
export async function connect(target: SshTarget, ports: ConnectPorts, signal: AbortSignal): Promise<Connection> {
  const clients: Client[] = [];
  const streams: Duplex[] = [];
  const closeAll = () => {
    for (const client of [...clients].reverse()) client.end();
    // A machine that is gone never confirms: its sockets would keep this process alive.
    setTimeout(() => streams.forEach((stream) => void stream.destroy()), CLOSE_GRACE_MS);
  };
  const hops: readonly SshHop[] = [...target.jumps, target];
  try {
    for (const hop of hops) {
      signal.throwIfAborted();
      const way = { name: target.name, hop };
      const isTarget = hop === target;
      const before = clients.at(-1);
      const stream = before ? await dialThrough(before, way, isTarget, signal) : await dial(way, isTarget, signal);
      streams.push(stream);
      clients.push(await enter({ way, isTarget, stream, ports, signal }));
    }
  } catch (error) {
    closeAll();
    throw error;
  }
  const client = clients.at(-1);
  if (client === undefined) throw new RunbookError('usage', `${knownNameOf(target).hostName} has no hop`);
  const gone = new AbortController();
  for (const each of clients) each.on('close', () => gone.abort());
  gone.signal.addEventListener('abort', closeAll, { once: true });
  return { client, lost: gone.signal, close: closeAll };
}
