import type { ConfigLine } from '../../../model/formats.js';
import type { Seen } from '../../../model/seen.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isLoopback, spotOf } from '../../settings.js';
import type { AnyNode, Lines, Setting } from '../../view.js';

/** The `user` lines of a node; not seen where an ACL file holds its users, which nobody read. */
export function usersOf(node: AnyNode): Seen<Lines> {
  const file = node.setting('aclfile');
  if (!file.ok) return file;
  const path = file.value.words[0] ?? '';
  if (path === '') return node.linesOf('user');
  return {
    ok: false,
    why: 'not-asked',
    detail: `its users stand in ${path}, which was not read`,
    from: file.from,
    at: file.at,
  };
}

/** The last `user default` line. */
export function defaultUser({ lines }: Lines): ConfigLine | undefined {
  return lines.findLast(({ args }) => args[0] === 'default');
}

/** Whether a user line lets in without a password, and at all. */
export function isOpen({ args }: ConfigLine): boolean {
  const rules = args.slice(1).map(lowerAscii);
  const open = rules.lastIndexOf('nopass') > Math.max(rules.lastIndexOf('resetpass'), rules.lastIndexOf('reset'));
  return open && rules.lastIndexOf('on') > Math.max(rules.lastIndexOf('off'), rules.lastIndexOf('reset'));
}

/** Whether only this machine reaches the port. */
export function isOnlyLocal(bind: Setting): boolean {
  return bind.words.length > 0 && bind.words.every((word) => isLoopback(word.replace(/^-/, '')));
}

export const defaultUserNopass = defineRule({
  id: 'default-user-nopass',
  class: 'security',
  severity: 'error',
  scope: 'node',
  versions: { redis: { from: '6.0' }, valkey: {} },
  title: 'the default user needs no password',
  rationale:
    'A user line for default with nopass lets everybody in, and it stands over requirepass wherever that is written. Sentinel writes such a line into its own file: a requirepass that is added to it by hand later does nothing.',
  source: 'acl.c:ACLLoadConfiguredUsers runs after the config was read; any password is accepted, seen on 7.0.15',
  fix: 'Remove the user line and set requirepass, or give the user a password: ACL SETUSER default resetpass >PASSWORD, then CONFIG REWRITE.',
  fixtures: {
    fails: 'test/audit/fixtures/default-user-nopass/fails',
    nearMiss: 'test/audit/fixtures/default-user-nopass/near-miss',
  },
  needs: (node) => ({
    doors: where(
      together({ users: usersOf(node), bind: node.setting('bind'), requirepass: node.password('requirepass') }),
      ({ users }) => defaultUser(users) !== undefined,
      'no user line is about the default user',
    ),
  }),
  check: ({ doors: { users, bind, requirepass } }) => {
    const line = defaultUser(users);
    if (line === undefined || !isOpen(line) || isOnlyLocal(bind)) return [];
    const beside = requirepass.hash === undefined ? [] : [spotOf(requirepass)];
    const told = requirepass.hash === undefined ? '' : ', and requirepass is not in force';
    const sentinel = users.node.kind === 'sentinel' && requirepass.hash === undefined;
    return [
      {
        message: `the default user needs no password${told}: whoever reaches the port is let in`,
        at: { node: users.node, line },
        beside,
        // Sentinel writes the line itself: without requirepass it says no more than the default.
        ...(sentinel ? { severity: 'warning' as const } : {}),
      },
    ];
  },
});

export const userLineInGeneratedPart = defineRule({
  id: 'user-line-in-generated-part',
  class: 'security',
  severity: 'info',
  scope: 'node',
  versions: { redis: { from: '6.2' }, valkey: {} },
  title: 'requirepass and a user line say the password of the default user',
  rationale:
    'CONFIG REWRITE writes the default user as a user line with a hash of its password. From then on that line counts: who changes requirepass by hand changes nothing, and locks out who relies on it.',
  source:
    'acl.c:ACLLoadConfiguredUsers; the password of requirepass is refused, that of the line accepted, seen on 7.0.15',
  fix: 'Change both, or use ACL SETUSER and CONFIG REWRITE.',
  fixtures: {
    fails: 'test/audit/fixtures/user-line-in-generated-part/fails',
    nearMiss: 'test/audit/fixtures/user-line-in-generated-part/near-miss',
  },
  needs: (node) => ({
    both: where(
      together({ users: node.linesOf('user'), requirepass: node.password('requirepass') }),
      ({ requirepass }) => requirepass.hash !== undefined,
      'no requirepass is set',
    ),
  }),
  check: ({ both: { users, requirepass } }) => {
    const line = defaultUser(users);
    if (line === undefined || isOpen(line)) return [];
    return [
      {
        message: 'a user line gives the default user its password: changing requirepass alone has no effect',
        at: spotOf(requirepass),
        beside: [{ node: users.node, line }],
      },
    ];
  },
});
