import type { NodeKind } from '../../model/inventory.js';
import { canonicalName } from '../../redis/directive-names.js';
import type { Target } from '../target.js';
import { isTable } from './known.js';
import type { StartLine } from './lines.js';
import type { Refusal } from './problem.js';

/** A reason that lines together give, and the line to blame. */
export interface WholeRefusal {
  readonly line: StartLine;
  readonly refusal: Refusal;
}

/** What stops the server once every line was read: cluster mode of a replica, no certificate, users twice, nowhere to listen. */
export function refusedWhole(lines: readonly StartLine[], kind: NodeKind, target: Target): readonly WholeRefusal[] {
  const byName = new Map(
    lines.flatMap((line) => ((line.words?.length ?? 0) > 1 ? [[canonicalName(line.name), line] as const] : [])),
  );
  const last = (name: string) => byName.get(name);
  const value = (name: string) => (last(name)?.words?.[1]?.text ?? '').toLowerCase();
  return [
    ...clusterReplica(last, value),
    ...usersTwice(last, kind, target),
    ...withoutCertificate(last, value),
    ...nowhere(last, value),
    ...deaf(last, value, target),
  ];
}

type Last = (name: string) => StartLine | undefined;
type Value = (name: string) => string;

function clusterReplica(last: Last, value: Value): readonly WholeRefusal[] {
  const line = last('replicaof');
  const none = value('replicaof') === 'no' && line?.words?.[2]?.text.toLowerCase() === 'one';
  if (line === undefined || none || value('cluster-enabled') !== 'yes') return [];
  const says = 'replicaof directive not allowed in cluster mode';
  return [{ line, refusal: { rule: 'replicaof-in-cluster-mode', says, stage: 'read', word: 0 } }];
}

function usersTwice(last: Last, kind: NodeKind, target: Target): readonly WholeRefusal[] {
  const line = last('user');
  const ignored = kind === 'sentinel' && !isTable(target);
  if (line === undefined || ignored || (last('aclfile')?.words?.[1]?.text ?? '') === '') return [];
  const says =
    'Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both.';
  return [{ line, refusal: { rule: 'acl-file-and-inline-users', says, stage: 'starting', word: 0 } }];
}

/** tls.c:tlsConfigure asks for certificate, key and certificate authority in this order. */
function withoutCertificate(last: Last, value: Value): readonly WholeRefusal[] {
  const users = ['tls-port', 'tls-replication', 'tls-cluster'];
  const uses = users.find((name) => !['', '0', 'no'].includes(value(name)));
  const line = uses === undefined ? undefined : last(uses);
  if (line === undefined) return [];
  const authority = value('tls-ca-cert-file') !== '' || value('tls-ca-cert-dir') !== '';
  const needed =
    value('tls-auth-clients') !== 'no' || value('tls-cluster') === 'yes' || value('tls-replication') === 'yes';
  const says = [
    ...(value('tls-cert-file') === '' ? ['No tls-cert-file configured!'] : []),
    ...(value('tls-key-file') === '' ? ['No tls-key-file configured!'] : []),
    ...(needed && !authority
      ? [
          'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!',
        ]
      : []),
  ];
  return says[0] === undefined
    ? []
    : [{ line, refusal: { rule: 'tls-incomplete', says: says[0], stage: 'starting', word: 0 } }];
}

/** What no resolver knows as a host: a comment, a blank, a letter beyond ASCII. From 6.2 on a hyphen in front may stand. */
const noHost = /^(?![\w.:%-]+\*?$)/;

/** Words of `bind` that are no addresses are found out when the server starts to listen (anet.c:_anetTcpServer). */
function deaf(last: Last, value: Value, target: Target): readonly WholeRefusal[] {
  const line = last('bind');
  const at = (line?.words ?? []).findIndex(
    (word, index) => index > 0 && word.text !== '' && noHost.test(word.text.replace(/^-?\*$/, 'any')),
  );
  if (line === undefined || at < 1 || value('port') === '0') return [];
  const listens = isTable(target) ? 'Warning: Could not' : 'Could not';
  const says = `${listens} create server TCP listening socket ${line.words?.[at]?.text ?? ''}:${value('port') || '6379'}: Name or service not known`;
  return [{ line, refusal: { rule: 'bind-address-not-on-host', says, stage: 'starting', word: at } }];
}

function nowhere(last: Last, value: Value): readonly WholeRefusal[] {
  const line = last('port');
  const elsewhere = !['', '0'].includes(value('tls-port')) || value('unixsocket') !== '';
  if (line === undefined || value('port') !== '0' || elsewhere) return [];
  const says = 'Configured to not listen anywhere, exiting.';
  return [{ line, refusal: { rule: 'listen-nowhere', says, stage: 'starting', word: 1 } }];
}
