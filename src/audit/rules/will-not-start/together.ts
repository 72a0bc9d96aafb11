import { startRule } from './start-rule.js';

export const aclRuleInvalid = startRule({
  id: 'acl-rule-invalid',
  scope: 'node',
  title: 'a user line holds a rule that is not legal',
  rationale:
    'An unknown command or category, a pattern behind ~*, a hash of the wrong length: the server ends at its start. Commands, selectors and key permissions differ between versions.',
  source: 'acl.c:ACLSetUser, ACLAppendUserForLoading; seen on 6.0.16, 7.0.15, 8.0 and Valkey 8.1',
  fix: 'Correct the rule; `ACL CAT` on a running server of the version lists what it knows.',
});

export const aclFileAndInlineUsers = startRule({
  id: 'acl-file-and-inline-users',
  scope: 'node',
  title: 'users stand in the config and in an ACL file',
  rationale: 'The server takes users from one of the two places, and refuses to start when both are given.',
  source: 'acl.c:ACLLoadUsersAtStartup; seen on 7.0.15',
  fix: 'Move the user lines to the ACL file, or remove aclfile.',
});

export const bindAddressNotOnHost = startRule({
  id: 'bind-address-not-on-host',
  scope: 'node',
  title: 'bind names something that is no address',
  rationale:
    'The server reads every word behind bind as an address to listen on, and ends when it cannot listen there.',
  source: 'server.c:listenToPort, anet.c:_anetTcpServer; "Failed listening on port", seen on 7.0.15',
  fix: 'Write addresses of this host only: bind ADDRESS 127.0.0.1; from 6.2 on a hyphen in front lets one be missing.',
});

export const listenNowhere = startRule({
  id: 'listen-nowhere',
  scope: 'node',
  title: 'the server would listen nowhere',
  rationale: 'With port 0 and neither a TLS port nor a unix socket the server ends at once.',
  source: 'server.c:initServer, "Configured to not listen anywhere, exiting."; seen on 7.0.15',
  fix: 'Set port, tls-port or unixsocket.',
});

export const tlsIncomplete = startRule({
  id: 'tls-incomplete',
  scope: 'node',
  versions: { redis: { from: '6.0' }, valkey: {} },
  title: 'TLS is on and its files are not named',
  rationale:
    'A TLS port, or TLS for replication, needs a certificate and its key, and the certificate of the authority unless tls-auth-clients is no.',
  source: 'tls.c:tlsConfigure; "Failed to configure TLS", seen on 7.0.15',
  fix: 'Set tls-cert-file, tls-key-file and tls-ca-cert-file or tls-ca-cert-dir.',
});

export const replicaofInClusterMode = startRule({
  id: 'replicaof-in-cluster-mode',
  scope: 'redis',
  title: 'replicaof stands beside cluster-enabled yes',
  rationale: 'In cluster mode the cluster says who replicates whom; the server refuses to be told by its file.',
  source: 'config.c:loadServerConfigFromString; seen on 7.0.15',
  fix: 'Remove replicaof and use CLUSTER REPLICATE, or turn cluster mode off.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});
