import { mapSeen, type NotSeen, type Seen } from '../../../model/seen.js';
import { hashOfWord } from '../../../redis/secrets.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import type { Spot } from '../../rule.js';
import { passwordHash, spotOf } from '../../settings.js';
import type { AnyNode, NodeAt } from '../../view.js';

/** What a client needs that names no user. */
export interface Login {
  readonly node: NodeAt;
  /** Commands are refused without AUTH. */
  readonly guarded: boolean;
  /** Keyed hash of the one password, where it stands in the file in clear. */
  readonly hash: string | undefined;
  readonly spot: Spot;
}

/**
 * How a node lets in its default user. A `user default` line counts more than requirepass (acl.c:ACLLoadConfiguredUsers,
 * seen on 7.0.15); users of an ACL file are not seen.
 */
export function loginOf(node: AnyNode): Seen<Login> {
  const acl = aclFileGap(node);
  if (acl !== undefined) return acl;
  const users = node.linesOf('user');
  if (!users.ok) return users;
  const line = users.value.lines.findLast(({ args }) => args[0] === 'default');
  return mapSeen(node.password('requirepass'), (requirepass) => {
    const own = { node: node.at, guarded: requirepass.hash !== undefined, hash: requirepass.hash };
    if (line === undefined) return { ...own, spot: spotOf(requirepass) };
    const rules = line.args.slice(1);
    const clear = clearPassword(rules);
    const guarded = isGuarded(rules);
    const hash = guarded && rules.some((rule) => rule.startsWith('#')) ? own.hash : guarded ? clear : undefined;
    const spot = guarded && clear === undefined && requirepass.line !== undefined ? requirepass.line : line;
    return { node: node.at, guarded, hash, spot: { node: node.at, line: spot } };
  });
}

/** Not seen where an ACL file says who may do what: the audit does not read it. */
export function aclFileGap(node: AnyNode): NotSeen | undefined {
  const aclfile = node.setting('aclfile');
  if (!aclfile.ok) return aclfile;
  const path = aclfile.value.words[0] ?? '';
  if (path === '') return undefined;
  const detail = `the users are in ${path}, which is not read`;
  return { ok: false, why: 'not-asked', detail, from: aclfile.from, at: aclfile.at };
}

/** Rules are applied from left to right to a user that starts as `reset`: off, and without a password. */
function isGuarded(rules: readonly string[]): boolean {
  const last = rules.findLast((rule) => /^(?:nopass|resetpass|reset|[>#].*)$/is.test(rule));
  const on = rules.findLast((rule) => /^(?:on|off|reset)$/i.test(rule));
  return lowerAscii(on ?? 'off') !== 'on' || lowerAscii(last ?? '') !== 'nopass';
}

function clearPassword(rules: readonly string[]): string | undefined {
  const all = rules.filter((rule) => rule.startsWith('>'));
  return all.length === 1 && all[0] !== undefined ? hashOfWord(all[0].slice(1)) : undefined;
}

/** The one password that nodes have; undefined where none has one, one is hidden, or they differ. */
export function onlyPassword(logins: readonly Login[]): string | undefined {
  const hashes = new Set(logins.map(({ hash }) => hash));
  const [hash] = hashes;
  return hashes.size === 1 ? hash : undefined;
}

/** What a node logs in to its master with. */
export interface OwnLogin {
  readonly hash: string | undefined;
  readonly spot: Spot;
  /** It names a user: requirepass does not tell whether it is let in. */
  readonly user: string | undefined;
}

/** masterauth and masteruser of a node. */
export function masterLoginOf(node: AnyNode): Seen<OwnLogin> {
  const user = node.setting('masteruser');
  if (!user.ok) return user;
  return mapSeen(node.password('masterauth'), (masterauth) => ({
    hash: passwordHash(masterauth),
    spot: spotOf(masterauth),
    user: user.value.words[0],
  }));
}
