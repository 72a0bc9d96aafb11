import type { NodeEntry } from '../model/inventory.js';
import { lowerAscii } from './tokenise.js';

/** Where a server listens, as its config says; 0 = that kind of port is off. */
export interface Listening {
  readonly port: number;
  readonly tlsPort: number;
  /** Absolute path; left out: none, or a relative one, which only the server itself can place. */
  readonly unixsocket?: string;
  /** Replicas and sentinels speak TLS and announce the TLS port (replication.c:syncWithMaster, sentinel.c:sentinelSendHello). */
  readonly tlsReplication: boolean;
}

/** `value` gives the word of a directive that counts, in lower case names. Undefined when the file says nothing of it all. */
export function listeningOf(kind: NodeEntry['kind'], value: (name: string) => string | undefined): Listening {
  const number = (name: string, preset: number) => {
    const word = value(name) ?? String(preset);
    return /^\d{1,5}$/.test(word) ? Number(word) : preset;
  };
  const unixsocket = value('unixsocket');
  return {
    port: number('port', kind === 'redis' ? 6379 : 26379),
    tlsPort: number('tls-port', 0),
    ...(unixsocket?.startsWith('/') ? { unixsocket } : {}),
    tlsReplication: lowerAscii(value('tls-replication') ?? 'no') === 'yes',
  };
}

/**
 * The node as it is reached once its config file was seen. The fleet knows a server with a TLS port by that port where
 * replication goes over TLS or the plain port is off; else by the plain one. What fleet.yaml says about TLS or a socket
 * stays; where it says nothing and the plain port is off, the unix socket is taken, else TLS. A server without a TLS
 * port whose plain port is open stays as declared. Applying it twice changes nothing more.
 */
export function settledNode(node: NodeEntry, listening: Listening): NodeEntry {
  const { port, tlsPort, unixsocket } = listening;
  const closed = port === 0;
  const known = tlsPort > 0 && (closed || listening.tlsReplication) ? tlsPort : tlsPort > 0 ? port : node.port;
  const { connectPort: _before, ...rest } = node;
  const settled = { ...rest, port: known };
  if (node.socket !== undefined) return settled;
  if (closed && node.tls === undefined && unixsocket !== undefined) return { ...settled, socket: unixsocket };
  const tls = node.tls ?? (closed && tlsPort > 0 ? {} : undefined);
  const connect = tls && tlsPort > 0 ? tlsPort : closed || tlsPort === 0 ? known : port;
  return { ...settled, ...(tls === undefined ? {} : { tls }), ...(connect === known ? {} : { connectPort: connect }) };
}
