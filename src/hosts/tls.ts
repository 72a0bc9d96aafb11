import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import type { TlsSettings } from '../model/inventory.js';
import { codeOf, onAbort, reasonOf } from './reading.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';

/** A TLS connection that could not be made, or ended, for a reason that a person can do something about. */
export class TlsTrouble extends Error {
  override readonly name = 'TlsTrouble';
}

/** An encrypted stream whose other end proved who it is. */
export interface Secured {
  readonly stream: Duplex;
  /** What TLS itself said against the connection since; a server tells that it wants a certificate only after the handshake. */
  trouble(): TlsTrouble | undefined;
}

async function fileOf(path: string | undefined, what: string): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  return readFile(path).catch((error: unknown) => {
    throw new TlsTrouble(
      `the ${what} ${path} cannot be read (${codeOf(error) || reasonOf(error)}): see tls: in fleet.yaml`,
    );
  });
}

async function contextOf(tls: TlsSettings): Promise<SecureContext> {
  const [ca, cert, key] = await Promise.all([
    fileOf(tls.ca, 'file of authorities'),
    fileOf(tls.cert, 'certificate'),
    fileOf(tls.key, 'key'),
  ]);
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
    });
  } catch (error) {
    const files = [tls.ca, tls.cert, tls.key].filter((path) => path !== undefined).join(', ');
    const locked = /bad password|interrupted or cancelled|PASSWORD|DECRYPT/i.test(reasonOf(error));
    const why = locked ? 'the key is locked by a passphrase: name a file without one' : reasonOf(error);
    throw new TlsTrouble(`${files} cannot be used for TLS (${why}): see tls: in fleet.yaml`);
  } finally {
    key?.fill(0);
  }
}

const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

const clientSide: readonly (readonly [RegExp, string])[] = [
  [
    /alert certificate required|alert handshake failure|peer did not return a certificate/i,
    'wants a certificate of ours',
  ],
  [
    /alert (unknown ca|bad certificate|certificate unknown|decrypt error|no certificate)/i,
    'does not accept our certificate',
  ],
  [/alert certificate (expired|revoked)/i, 'does not accept our certificate: it has expired or was revoked'],
];

/** The system's words as what is wrong and what to type. */
function troubleOf(error: unknown, endpoint: RedisEndpoint, tls: TlsSettings): TlsTrouble {
  if (error instanceof TlsTrouble) return error;
  const where = `${endpoint.node} (${wordsOfPlace(endpoint)})`;
  const said = reasonOf(error).replace(/\s+/g, ' ').trim();
  const code = codeOf(error);
  const trouble = (says: string, next: string) => new TlsTrouble(`${says}; in fleet.yaml: ${next}`);
  if (untrusted.has(code)) {
    const by = tls.ca === undefined ? 'this machine trusts' : `${tls.ca} holds`;
    const next =
      tls.ca === undefined ? 'tls: { ca: FILE }' : "tls: { ca: FILE } with the authority of the node's tls-cert-file";
    return trouble(`the certificate of ${where} is not signed by an authority that ${by} (${said})`, next);
  }
  if (code === 'CERT_HAS_EXPIRED')
    return new TlsTrouble(`the certificate of ${where} has expired: renew tls-cert-file there (${said})`);
  if (code === 'CERT_NOT_YET_VALID')
    return new TlsTrouble(
      `the certificate of ${where} is not valid yet: compare the clocks of both machines (${said})`,
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf(error);
    return trouble(
      `the certificate of ${where} is for ${names}, not for ${tls.serverName ?? endpoint.address}`,
      'tls: { server-name: NAME }',
    );
  }
  const client = clientSide.find(([pattern]) => pattern.test(said));
  if (client) return trouble(`${where} ${client[1]} (${said})`, 'tls: { cert: FILE, key: FILE }');
  if (/wrong version number|packet length too long|unexpected message|record layer/i.test(said))
    return trouble(`${where} does not speak TLS there (${said})`, 'port: with the tls-port of the node, or tls: false');
  if (/unsupported protocol|alert protocol version|no protocols available/i.test(said))
    return new TlsTrouble(`${where} speaks only TLS older than 1.2 (${said}): see tls-protocols in its config`);
  return new TlsTrouble(`no TLS connection with ${where}: ${said}`);
}

/** The names of a certificate, or its subject; both are the other side's words. */
function namesOf(error: unknown): string {
  const cert = error instanceof Error && 'cert' in error ? (error.cert as Partial<PeerCertificate>) : undefined;
  const names = cert?.subjectaltname ?? (cert?.subject?.CN === undefined ? undefined : `CN=${cert.subject.CN}`);
  return (names ?? 'nobody by name').replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

/**
 * TLS over a stream that is connected, end to end with the node: its certificate must be signed by an authority of ours
 * and carry the server name (else the node's address). Rejects with TlsTrouble, which says what is wrong and what to
 * type, or with the signal's reason; the stream is destroyed then.
 */
export async function secured(
  raw: Duplex,
  endpoint: RedisEndpoint,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Secured> {
  try {
    const secureContext = await contextOf(tls);
    signal.throwIfAborted();
    return await handshake(raw, endpoint, tls, secureContext, signal);
  } catch (error) {
    raw.destroy();
    throw signal.aborted ? error : troubleOf(error, endpoint, tls);
  }
}

function handshake(
  raw: Duplex,
  endpoint: RedisEndpoint,
  tls: TlsSettings,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<Secured> {
  const name = tls.serverName ?? endpoint.address;
  return new Promise((resolve, reject) => {
    let last: TlsTrouble | undefined;
    const stream = connect({
      socket: raw,
      secureContext,
      rejectUnauthorized: true,
      // RFC 6066 allows no address as a server name.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_host, cert) => checkServerIdentity(name, cert),
    });
    const forget = onAbort(signal, () => stream.destroy(new Error('the connection attempt was stopped')));
    stream.on('error', (error) => {
      last ??= troubleOf(error, endpoint, tls);
      reject(error);
    });
    stream.once('close', () => {
      forget();
      raw.destroy();
      reject(new Error('the connection was closed during the TLS handshake'));
    });
    raw.once('error', (error) => stream.destroy(error));
    stream.once('secureConnect', () => {
      forget();
      resolve({ stream, trouble: () => last });
    });
  });
}
