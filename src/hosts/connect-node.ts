import type { NotSeen } from '../model/seen.js';
import { connectHere } from './connect-here.js';
import type { RedisAccess } from './host.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';
import { type Secured, secured, type TlsTrouble } from './tls.js';

/** A stream to a node, encrypted where fleet.yaml says so; nothing was sent in it yet. Its errors end it and nothing else. Rejects with the system's error. */
export async function connectNode(host: RedisAccess, endpoint: RedisEndpoint, signal: AbortSignal): Promise<Secured> {
  const { address, port, tls } = endpoint;
  const raw = await (endpoint.direct ? connectHere : host.connect)(address, port, signal);
  raw.on('error', () => undefined);
  const found: Secured = tls ? await secured(raw, endpoint, tls, signal) : { stream: raw, trouble: () => undefined };
  found.stream.on('error', () => undefined);
  return found;
}

/** Why a connection is of no use: what TLS itself said tells more than that it was lost. */
export function reasonFor(failed: NotSeen, endpoint: RedisEndpoint, trouble: TlsTrouble | undefined): NotSeen {
  if (trouble) return { ...failed, why: 'denied', detail: trouble.message };
  // The first byte of a TLS alert: the port wants TLS.
  if (endpoint.tls !== undefined || !failed.detail.includes('got "\u0015')) return failed;
  const where = `${endpoint.node} (${wordsOfPlace(endpoint)})`;
  return { ...failed, why: 'denied', detail: `${where} speaks TLS there; in fleet.yaml: tls: { ca: FILE }` };
}
