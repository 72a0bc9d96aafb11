import type { FileIntent } from '../model/plan.js';
import { diffLines } from '../redis/diff.js';
import { type AclUser, aclUsers, applyAclIntent } from '../redis/edit-acl.js';
import { showRaw } from '../redis/secrets.js';
import type { ConfigBack } from './config-back.js';

type AclIntent = Extract<FileIntent, { kind: 'users.acl' }>;

/** Where an ACL file lies in a backup, and its text there: with passwords only where they were asked for. */
export interface StoredAcl {
  readonly stored: string;
  readonly sha256: string;
  readonly text: string;
}

/**
 * The users of a backup that a run may bring back, whatever the file says now: not those that the fleet itself logs in
 * as, for a rule that they lose is a replica or a sentinel that is locked out. Pure.
 */
export function aclIntent({ stored, sha256, text }: StoredAcl, fleetUsers: ReadonlySet<string>): AclIntent {
  const all = aclUsers(text);
  const single = all.filter(({ name }) => all.filter((user) => user.name === name).length === 1);
  const users = single.filter(({ name }) => !fleetUsers.has(name)).map(({ name, rules }) => ({ name, rules }));
  return { kind: 'users.acl', users, stored, sha256 };
}

/** An ACL file of a backup against the one that is there now. Pure. */
export function aclBack(now: string, then: StoredAcl, fleetUsers: ReadonlySet<string>): ConfigBack {
  const intent = aclIntent(then, fleetUsers);
  const [is, was] = [aclUsers(now), aclUsers(then.text)];
  const applied = applyAclIntent(now, intent, new Map(was.map(({ name, passwords }) => [name, passwords])));
  return {
    diff: diffLines(shownUsers(now), shownUsers(then.text)).flatMap(({ op, text }) => (op === ' ' ? [] : [op + text])),
    intent: applied.text === now ? undefined : intent,
    changes: applied.diff,
    byHand: leftAlone(is, was, fleetUsers),
    remarks: withoutPasswords(is, was, intent),
  };
}

/** Lines as a plan tells them that must be the same when it is made again: nothing of what the file says now. */
export function aclTold({ users }: AclIntent): readonly string[] {
  return users.map(({ name, rules }) => `+${showRaw(['user', name, ...rules].join(' '))}`);
}

function shownUsers(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [showRaw(line)]));
}

function leftAlone(
  is: readonly AclUser[],
  was: readonly AclUser[],
  fleetUsers: ReadonlySet<string>,
): ConfigBack['byHand'] {
  const rulesOf = (users: readonly AclUser[], name: string) =>
    users
      .filter((user) => user.name === name)
      .map(({ rules }) => rules.join(' '))
      .join('\n');
  const names = [...new Set([...is, ...was].map(({ name }) => name))];
  return names.flatMap((name) => {
    if (rulesOf(is, name) === rulesOf(was, name)) return [];
    const directive = `user ${name}`;
    if (fleetUsers.has(name)) return [{ directive, why: 'the fleet itself logs in as it, or every client does' }];
    const count = was.filter((user) => user.name === name).length;
    if (count === 0) return [{ directive, why: 'made since the backup; ACL DELUSER takes it away' }];
    return count === 1 ? [] : [{ directive, why: 'it stands in the backup more than once' }];
  });
}

function withoutPasswords(is: readonly AclUser[], was: readonly AclUser[], { users }: AclIntent): readonly string[] {
  const back = was.filter(({ name }) => users.some((user) => user.name === name));
  return back
    .filter(({ name, isWithheld }) => isWithheld && !is.some((user) => user.name === name))
    .map(
      ({ name }) =>
        `user ${name} comes back without a password, for the backup was made without --with-secrets: nobody can log in as it before ACL SETUSER gives it one`,
    );
}
