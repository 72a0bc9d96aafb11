import type { Seen } from '../../../model/seen.js';
import { atLeast, parseVersion } from '../../../redis/versions.js';
import { ifThere, together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { AnyNode, KnownPassword } from '../../view.js';

export const runsAsRoot = defineRule({
  id: 'runs-as-root',
  class: 'security',
  severity: 'error',
  scope: 'node',
  profiles: { dev: 'off', 'single-host-lab': 'off' },
  title: 'the server runs as root',
  rationale:
    'Whoever gets a command through, writes files as root: a key for SSH, a job for cron. Root also passes over every check of file rights, so that mistakes in them show only when the server is started as another user.',
  source: 'CONFIG SET dir and dbfilename with SAVE write anywhere the process may; seen on 7.0.15',
  fix: 'Start it as a user of its own (User=redis in the unit), and give that user its directory and files.',
  fixtures: { fails: 'test/audit/fixtures/runs-as-root/fails', nearMiss: 'test/audit/fixtures/runs-as-root/near-miss' },
  needs: (node) => ({ process: where(node.process, (process) => process !== null, 'it does not run') }),
  check: ({ process }) =>
    process?.uid === 0 ? [{ message: 'it runs as root: whoever gets a command through writes files as root' }] : [],
});

export const configWorldReadable = defineRule({
  id: 'config-world-readable',
  class: 'security',
  severity: 'warning',
  scope: 'node',
  title: 'every user of the host can read its passwords',
  rationale:
    'A config file with passwords that others may read gives them to every account and every program of the host.',
  source: 'the rights of the file and of no directory above it are looked at',
  fix: 'chmod 640, owned by root or redis with the group redis.',
  fixtures: {
    fails: 'test/audit/fixtures/config-world-readable/fails',
    nearMiss: 'test/audit/fixtures/config-world-readable/near-miss',
  },
  needs: (node) => ({
    texts: where(node.texts, (texts) => texts[0]?.text.includes('{secret:') === true, 'its file holds no password'),
    stat: ifThere(node.configStat),
  }),
  check: ({ stat }) =>
    (stat.mode & 0o004) === 0
      ? []
      : [{ message: `every user of the host can read its passwords (mode ${(stat.mode & 0o777).toString(8)})` }],
});

export const passwordQuoting = defineRule({
  id: 'password-quoting',
  class: 'security',
  severity: 'warning',
  scope: 'node',
  title: 'a password begins or ends with what looks like a mistake',
  rationale:
    'requirepass #word makes #word the password, not a comment; a blank inside quotes counts. The file looks as if another password, or none, were set.',
  source: 'config.c:loadServerConfigFromString; requirepass #password and "secret " accepted, seen on 7.0.15',
  fix: 'Use letters and digits only: openssl rand -hex 32. Change it on every node, sentinel and client.',
  fixtures: {
    fails: 'test/audit/fixtures/password-quoting/fails',
    nearMiss: 'test/audit/fixtures/password-quoting/near-miss',
  },
  needs: (node) => ({
    passwords: where(
      passwordsOf(node),
      (passwords) => passwords.some(({ hash }) => hash !== undefined),
      'no password is set',
    ),
  }),
  check: ({ passwords }) =>
    passwords
      .filter(({ facts }) => facts?.oddEnds === true)
      .map((password) => ({
        message: `${password.name} begins with # or < or ends with a blank, and that is part of the password`,
        at: spotOf(password),
      })),
});

function passwordsOf(node: AnyNode): Seen<readonly KnownPassword[]> {
  const both = together({
    requirepass: node.passwordFacts('requirepass'),
    masterauth: node.passwordFacts('masterauth'),
  });
  return both.ok ? { ...both, value: [both.value.requirepass, both.value.masterauth] } : both;
}

export const versionEol = defineRule({
  id: 'version-eol',
  class: 'security',
  severity: 'warning',
  scope: 'node',
  title: 'the version gets no fixes from its makers any more',
  rationale:
    'Holes that are found in newer versions stay open in it, unless a distribution still patches its own package.',
  source: 'releases of redis/redis: the last of 6.0 is 6.0.20 of July 2023',
  fix: 'Plan an upgrade; until then see that the package gets the fixes of its distribution.',
  fixtures: { fails: 'test/audit/fixtures/version-eol/fails', nearMiss: 'test/audit/fixtures/version-eol/near-miss' },
  needs: (node) => ({ info: node.info }),
  check: ({ info }) => {
    const version = info.get('redis_version') ?? '';
    if (info.has('valkey_version') || version === '' || atLeast(parseVersion(version), '6.2')) return [];
    return [{ message: `Redis ${version} gets no fixes from its makers any more` }];
  },
});
