import { connect as connectSocket, type Socket } from 'node:net';
import { onAbort } from './reading.js';

/**
 * A connection from this machine: to an address and port, or with port 0 to the unix socket at the path `address`.
 * Rejects with the system's error, or with an Error when the signal ends.
 */
export function connectHere(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connectSocket(port === 0 ? { path: address } : { host: address, port, noDelay: true });
    const forget = onAbort(signal, () => socket.destroy(new Error('the connection attempt was stopped')));
    socket.once('error', reject);
    socket.once('close', forget);
    socket.once('connect', () => {
      forget();
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
