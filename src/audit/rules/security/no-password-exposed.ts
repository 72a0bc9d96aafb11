import { atLeast } from '../../../redis/versions.js';
import { together } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isLoopback, isYes, spotOf } from '../../settings.js';
import { defaultUser, usersOf } from './users.js';

export const noPasswordExposed = defineRule({
  id: 'no-password-exposed',
  class: 'security',
  severity: 'error',
  scope: 'redis',
  title: 'anybody who reaches the port is let in',
  rationale:
    'Without a password whoever reaches the port reads and deletes everything, and can write files as the redis user. Protected mode refuses other machines only while it is on; before 7.0 it did so only without a bind line.',
  source: 'networking.c:acceptCommonHandler (6.2.14 and 7.0.15 differ)',
  fix: 'Set requirepass and masterauth on every node, and bind to a private address.',
  fixtures: {
    fails: 'test/audit/fixtures/no-password-exposed/fails',
    nearMiss: 'test/audit/fixtures/no-password-exposed/near-miss',
  },
  needs: (node) => ({
    doors: together({
      requirepass: node.password('requirepass'),
      users: usersOf(node),
      bind: node.setting('bind'),
      protectedMode: node.setting('protected-mode'),
    }),
  }),
  check: ({ doors: { requirepass, users, bind, protectedMode } }, { target }): readonly Problem[] => {
    // A user line that lets everybody in is told by default-user-nopass.
    if (requirepass.hash !== undefined || defaultUser(users) !== undefined) return [];
    const addresses = bind.words.map((address) => address.replace(/^-/, ''));
    if (bind.line !== undefined && addresses.every(isLoopback)) return [];
    const guards = bind.line === undefined || atLeast(target.compatible, '7.0');
    if (isYes(protectedMode, true) && guards) return [];
    const where = bind.line === undefined ? 'every address' : addresses.join(', ');
    return [
      {
        message: `no password, and it listens on ${where} with nothing in between: anybody who reaches it is let in`,
        at: spotOf(bind.line === undefined ? protectedMode : bind),
        beside: [spotOf(protectedMode)].filter(({ line }) => bind.line !== undefined && line !== undefined),
      },
    ];
  },
});
