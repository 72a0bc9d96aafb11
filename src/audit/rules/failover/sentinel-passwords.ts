import { mapSeen, type Seen } from '../../../model/seen.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { optionOf, ownOptionOf, passwordHash, spotOf } from '../../settings.js';
import type { GroupView, SentinelConf, SentinelNode } from '../../view.js';
import { membersOf, monitorOf } from './addresses.js';
import { type Login, loginOf, onlyPassword } from './logins.js';
import { fixturesOf } from './page.js';

const source = 'sentinel.c:sentinelSendAuthIfNeeded; redis issues 4799 and 5410; seen on 7.0.15';

function both(group: GroupView) {
  return {
    logins: each(membersOf(group).map(loginOf), 'redis node that a sentinel monitors'),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  };
}

export const sentinelAuthPassMissing = defineRule({
  id: 'sentinel-auth-pass-missing',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a sentinel has no password for nodes that ask for one',
  rationale:
    'A sentinel that does not log in gets NOAUTH for its PING and takes a healthy master for down: it shows s_down,o_down and no replica, and its failovers end in -failover-abort-no-good-slave.',
  source,
  fix: 'Set `sentinel auth-pass NAME PASSWORD` on every sentinel, in the file or by SENTINEL SET.',
  fixtures: fixturesOf('sentinel-auth-pass-missing'),
  needs: both,
  check: ({ logins, sentinels }, { name }) => {
    const guarded = logins.filter((login) => login.guarded);
    if (guarded.length === 0) return [];
    return sentinels
      .filter((conf) => passwordHash(optionOf(conf, name, 'auth-pass')) === undefined)
      .map((conf) => ({
        message: `no auth-pass for ${name}, and ${namesOf(guarded)} ${guarded.length === 1 ? 'asks' : 'ask'} for a password: this sentinel takes them for down`,
        at: spotOf(monitorOf(conf, name) ?? optionOf(conf, name, 'auth-pass')),
        beside: guarded.map(({ spot }) => spot).slice(0, 3),
        changes: [{ node: conf.node, line: undefined, now: `sentinel auth-pass ${name} PASSWORD` }],
      }));
  },
});

/** Sentinel and redis files are joined by the monitored name; one sentinel is enough to be wrong. */
export const sentinelAuthPassMismatch = defineRule({
  id: 'sentinel-auth-pass-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: "a sentinel's auth-pass is not the password of the nodes",
  rationale:
    'A sentinel that cannot log in takes a healthy master for down: it shows s_down,o_down and no replica, and its failovers end in -failover-abort-no-good-slave.',
  source,
  fix: 'Set `sentinel auth-pass NAME PASSWORD` to the password of the nodes on every sentinel, in the file or by SENTINEL SET.',
  fixtures: fixturesOf('sentinel-auth-pass-mismatch'),
  needs: both,
  check: ({ logins, sentinels }, { name }) => {
    const wanted = onlyPassword(logins);
    if (wanted === undefined) return [];
    return sentinels
      .filter((conf) => optionOf(conf, name, 'auth-user').line === undefined)
      .map((conf) => optionOf(conf, name, 'auth-pass'))
      .filter((given) => given.line !== undefined && passwordHash(given) !== wanted)
      .map((given) => ({
        message: `the auth-pass of ${name} is not the password of its nodes: this sentinel takes them for down`,
        at: spotOf(given),
        beside: logins.map(({ spot }) => spot).slice(0, 3),
      }));
  },
});

interface Peer {
  readonly conf: SentinelConf;
  readonly login: Login;
  /** What it logs in to other sentinels with: sentinel-pass, else its own requirepass; undefined = it sends nothing. */
  readonly sends: string | undefined;
  readonly user: string | undefined;
}

function peerOf(node: SentinelNode): Seen<Peer> {
  const seen = together({ conf: node.conf, login: loginOf(node), requirepass: node.password('requirepass') });
  return mapSeen(seen, ({ conf, login, requirepass }) => ({
    conf,
    login,
    sends: passwordHash(ownOptionOf(conf, 'sentinel-pass')) ?? requirepass.hash,
    user: ownOptionOf(conf, 'sentinel-user').words[0],
  }));
}

/** Each sentinel beside each other one: whether the first gets in. */
export const sentinelPeerAuthMismatch = defineRule({
  id: 'sentinel-peer-auth-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: { redis: { from: '5.0.1' }, valkey: {} },
  title: 'a sentinel cannot log in to another one',
  rationale:
    'A sentinel with a password answers NOAUTH to a sentinel that sends another one or none. It is then taken for down, it is not asked for its vote, and with too few votes no failover is authorised.',
  source:
    'sentinel.c:sentinelSendAuthIfNeeded: sentinel-pass (6.2), else its own requirepass, is what a sentinel sends to others; seen on 7.0.15',
  fix: 'Set the same requirepass on every sentinel, or the same sentinel-user and sentinel-pass.',
  fixtures: fixturesOf('sentinel-peer-auth-mismatch'),
  needs: (group) => ({ peers: each(group.sentinels.map(peerOf), 'sentinels', 2) }),
  check: ({ peers }) =>
    peers.flatMap((asked) => {
      const refused = peers.filter((peer) => peer !== asked && peer.user === undefined && isRefused(peer, asked.login));
      if (refused.length === 0) return [];
      return [
        {
          message: `${namesOf(refused.map(({ login }) => login))} cannot log in to ${asked.login.node.id} and would take it for down`,
          at: asked.login.spot,
          beside: refused.map(({ login }) => login.spot).filter(({ line }) => line !== undefined),
        },
      ];
    }),
});

/** Sure only where nothing is sent, or both passwords are known. */
function isRefused(peer: Peer, login: Login): boolean {
  if (!login.guarded) return false;
  return peer.sends === undefined || (login.hash !== undefined && login.hash !== peer.sends);
}

function namesOf(logins: readonly Login[]): string {
  return logins.map(({ node }) => node.id).join(', ');
}
