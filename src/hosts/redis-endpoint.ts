import { type NodeEntry, placeOf, type TlsSettings } from '../model/inventory.js';
import type { Credentials } from '../redis/credentials.js';

/** Where a Redis connection goes, and with what. */
export interface RedisEndpoint {
  /** An address; with port 0 the path of a unix socket on the host. */
  readonly address: string;
  readonly port: number;
  readonly node: string;
  /** Left out: in the clear. */
  readonly tls?: TlsSettings;
  /** From this machine, not through the host. */
  readonly direct?: boolean;
  readonly credentials?: Credentials;
}

/** The endpoint of a node as fleet.yaml and its own config file have it. */
export function endpointOf(node: NodeEntry, credentials: Credentials | undefined): RedisEndpoint {
  return {
    ...placeOf(node),
    node: node.id,
    ...(node.tls ? { tls: node.tls } : {}),
    ...(node.direct ? { direct: true } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** The endpoint in words: `10.0.0.1:6379`, or the path of its socket. */
export function wordsOfPlace({ address, port }: { readonly address: string; readonly port: number }): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
