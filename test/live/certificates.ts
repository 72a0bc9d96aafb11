import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of a test and what it signed, as PEM files. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name in `cert`. */
  readonly name: string;
}

/** Makes an authority and one certificate for servers and clients alike. */
export function makeCertificates(directory: string, name = 'redis.lab'): Certificates {
  const at = (file: string) => join(directory, file);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...fresh, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=Lab CA', '-days', '2');
  openssl(
    ...['req', '-x509', ...fresh, '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-subj', `/CN=${name}`, '-days', '1'],
    ...['-addext', `subjectAltName=DNS:${name}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', at('node.key'), '-out', at('node.crt')],
  );
  chmodSync(at('node.key'), 0o600);
  return { ca: at('ca.crt'), cert: at('node.crt'), key: at('node.key'), name };
}

/** The lines of a redis.conf or sentinel.conf that listens with TLS alone. */
export function tlsLines({ ca, cert, key }: Certificates, port: number): readonly string[] {
  return [
    'port 0',
    `tls-port ${port}`,
    'tls-replication yes',
    `tls-ca-cert-file ${ca}`,
    `tls-cert-file ${cert}`,
    `tls-key-file ${key}`,
  ];
}
