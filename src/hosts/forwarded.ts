import { Duplex, type Readable, type Writable } from 'node:stream';
import { wordsOfPlace } from './redis-endpoint.js';

/** What a refused connection means, in the words of the system's error codes; EACCES = the host forbids forwarding, EPERM and ENOENT are of unix sockets. */
export type ForwardCode = 'ECONNREFUSED' | 'ETIMEDOUT' | 'EHOSTUNREACH' | 'ENOTFOUND' | 'EACCES' | 'EPERM' | 'ENOENT';

/** The host could not or would not open a connection from itself. `code` EACCES: forwarding is off, use a relay. */
export class ForwardRefused extends Error {
  override readonly name = 'ForwardRefused';
  readonly code: ForwardCode;

  constructor(code: ForwardCode, message: string) {
    super(message);
    this.code = code;
  }
}

const words: readonly (readonly [RegExp, ForwardCode])[] = [
  [/administratively prohibited|not allowed|forbidden|not supported/i, 'EACCES'],
  [/permission denied/i, 'EPERM'],
  [/no such file/i, 'ENOENT'],
  [/timed out/i, 'ETIMEDOUT'],
  [/no route|unreachable/i, 'EHOSTUNREACH'],
  [/name or service not known|name resolution|unknown host/i, 'ENOTFOUND'],
];

/** A refusal in sshd's words (`Connection refused`, `administratively prohibited: open failed`). */
export function forwardRefused(host: string, address: string, port: number, said: string): ForwardRefused {
  const code = words.find(([pattern]) => pattern.test(said))?.[1] ?? 'ECONNREFUSED';
  return new ForwardRefused(code, `${host} opens no connection to ${wordsOfPlace({ address, port })}: ${said}`);
}

/** The two halves of a connection, and what ends it. */
export interface Halves {
  readonly readable: Readable;
  readonly writable: Writable;
  close(): void;
}

/** One well-behaved stream over two halves that end in their own ways. It ends when either half is lost. */
export function forwarded(halves: Halves): Duplex {
  const { readable, writable, close } = halves;
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => {
      readable.resume();
    },
    write: (chunk: Uint8Array, _encoding, done) => {
      writable.write(chunk, (error) => done(error));
    },
    final: (done) => {
      writable.end();
      done();
    },
    destroy: (error, done) => {
      close();
      done(error);
    },
  });
  readable.on('data', (chunk: Uint8Array) => {
    if (!duplex.push(chunk)) readable.pause();
  });
  let whole = false;
  readable.once('end', () => {
    whole = true;
    duplex.push(null);
  });
  // What was received before the end may not have been read yet: only the writing half is closed then.
  readable.once('close', () => (whole ? duplex.end() : duplex.destroy()));
  readable.on('error', (error) => duplex.destroy(error));
  writable.on('error', (error) => duplex.destroy(error));
  return duplex;
}
