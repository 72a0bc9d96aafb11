import { createRequire } from 'node:module';
import { createConnection, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * All sockets read into it: what one read gave is taken before the next read, of this or another socket, begins. As much as a
 * server may have under way (ssh2's window is twice that): a new buffer of 64 KiB for each read costs more than what is done with it.
 */
const RECEIVED = Buffer.allocUnsafeSlow(1024 * 1024);

/** Ciphers that are undone into new memory, whatever is kept of a packet that is not whole yet. Chacha20 keeps parts of what was read. */
const UNDONE_ELSEWHERE = /^aes\d+-(gcm@openssh\.com|ctr)$/;

const inPlace = new WeakSet<Duplex>();

/** A socket for ssh2's client, being connected. What comes before somebody listens waits. */
export function sshSocket(options: Pick<TcpNetConnectOpts, 'host' | 'port' | 'family'>): Socket {
  const callback = (lengthBytes: number): boolean => {
    const part = RECEIVED.subarray(0, lengthBytes);
    if (inPlace.has(socket) && socket.readableLength === 0) return socket.emit('data', part);
    return socket.push(Buffer.from(part));
  };
  const socket: Socket = createConnection({ ...options, noDelay: true, onread: { buffer: RECEIVED, callback } });
  return inWholePackets(socket);
}

/**
 * From now on what arrives is given to ssh2 where it was read, and overwritten by the next read, when nothing of it is kept with this
 * cipher. ssh2's native addon (which nothing here builds) would keep parts: with it everything is copied, as before.
 */
export function readInPlace(socket: Duplex, cipher: string): void {
  if (UNDONE_ELSEWHERE.test(cipher) && !mayHaveAddon()) inPlace.add(socket);
  else inPlace.delete(socket);
}

let isAddonThere: boolean | undefined;

function mayHaveAddon(): boolean {
  isAddonThere ??= lookForAddon();
  return isAddonThere;
}

/** ssh2 says it only in a file of its own; where that has changed, nothing is known. */
function lookForAddon(): boolean {
  try {
    const crypto: unknown = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js');
    return (crypto as { readonly bindingAvailable?: unknown }).bindingAvailable !== false;
  } catch {
    return true;
  }
}

/**
 * ssh2 writes a packet in up to four parts (protocol/crypto.js), and each would be a system call and a segment of its own, as
 * nothing waits for more (noDelay): what is written in one turn goes out together.
 */
function inWholePackets(socket: Socket): Socket {
  const write: Socket['write'] = socket.write.bind(socket);
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    socket.uncork();
  };
  const corked = (...given: Parameters<typeof write>) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    return write(...given);
  };
  return Object.assign(socket, { write: corked });
}
