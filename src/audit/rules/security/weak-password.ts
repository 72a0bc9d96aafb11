import { where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { SecretFacts } from '../../view.js';

export const weakPassword = defineRule({
  id: 'weak-password',
  class: 'security',
  severity: 'error',
  scope: 'node',
  title: 'the password is easily guessed',
  rationale: 'Redis answers hundreds of thousands of login attempts a second and never locks anybody out.',
  source: 'redis.conf, SECURITY; acl.c:ACLCheckUserCredentials has no limit',
  fix: 'Make one with `openssl rand -hex 32` and set it on every node, sentinel and client.',
  fixtures: {
    fails: 'test/audit/fixtures/weak-password/fails',
    nearMiss: 'test/audit/fixtures/weak-password/near-miss',
  },
  needs: (node) => ({
    password: where(node.passwordFacts('requirepass'), ({ hash }) => hash !== undefined, 'no password is set'),
  }),
  check: ({ password }) => {
    const weakness = password.facts === undefined ? undefined : weaknessOf(password.facts);
    return weakness === undefined ? [] : [{ message: `requirepass ${weakness}`, at: spotOf(password) }];
  },
});

function weaknessOf(facts: SecretFacts): string | undefined {
  if (facts.placeholder) return 'is the stand-in of a template';
  if (facts.common) return 'is one of the passwords that everybody tries first';
  if (facts.digitsOnly) return facts.short ? 'is short and digits only' : 'is digits only';
  return facts.short ? 'has fewer than 16 characters' : undefined;
}
