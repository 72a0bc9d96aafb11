import { z } from 'zod';
import { backupSchema } from './backup-schema.js';

/**
 * Names, addresses and users end up in argument lists of ssh, sudo and redis-cli: none may begin with a dash or hold a
 * blank, a quote or a slash.
 */
const safeWord = /^[A-Za-z0-9_][A-Za-z0-9._:%-]*$/;
const safeWordRule = 'letters, digits and . _ : % -, beginning with a letter, a digit or _';

const word = (what: string) =>
  z
    .string()
    .max(253, { message: `${what} of at most 253 characters` })
    .regex(safeWord, { message: `${what} of ${safeWordRule}` });

/** `\p{Cc}` and `\p{Cf}` keep line breaks, escapes and direction marks out of paths that are shown and run. */
const hostPath = z.string().regex(/^\/[^\p{Cc}\p{Cf}]*$/u, { message: 'a path on the host that begins with /' });
const localPath = z.string().regex(/^[^\p{Cc}\p{Cf}-][^\p{Cc}\p{Cf}]*$/u, { message: 'a path on this machine' });
const port = z.int().min(1).max(65535);
const argv = z
  .array(z.string().regex(/^[^\0]+$/, { message: 'a text that is not empty' }))
  .min(1)
  .max(64);

const secretSources = [
  z.strictObject({
    env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { message: 'the name of an environment variable' }),
  }),
  z.strictObject({ file: localPath }),
  z.strictObject({ command: argv }),
  z.strictObject({ prompt: z.literal(true) }),
] as const;
const passwordSource = z.union([z.enum(['node', 'prompt']), ...secretSources]);
const sudoPasswordSource = z.union([z.literal('prompt'), ...secretSources]);

const sshSettings = z.strictObject({
  user: word('a user name').optional(),
  port: port.optional(),
  identity: localPath.optional(),
  'known-hosts': localPath.optional(),
  'proxy-jump': word('a host name').optional().describe('host to go through, as ProxyJump of ssh_config'),
  'proxy-command': argv.optional().describe('argument list that connects, as ProxyCommand of ssh_config'),
});

const serverName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_*]([A-Za-z0-9_.:-]*[A-Za-z0-9_])?$/, { message: 'a host name or an IP address' });

const tlsSettings = z.union([
  z.boolean(),
  z.strictObject({
    ca: localPath.optional().describe('PEM file of the authorities that may sign the certificate of a node'),
    cert: localPath.optional().describe('PEM file of our own certificate, for servers that ask for one'),
    key: localPath.optional().describe('PEM file of the key of our own certificate'),
    'server-name': serverName.optional().describe('the name that the certificate of a node must carry'),
  }),
]);

/** ACL user names of Redis hold no blank and no NUL (acl.c:ACLStringHasSpaces). */
const aclUser = z.string().regex(/^[^\s\p{Cc}\p{Cf}]{1,128}$/u, { message: 'a user name without blanks' });

const nodeSettings = {
  port: port.optional(),
  config: hostPath.optional().describe('path of the config file on the host'),
  unit: word('a unit name').optional().describe('name of the service unit'),
  start: argv.optional().describe('service process: the argument list that starts the node'),
  direct: z.boolean().optional().describe('talk to the port itself, not through the connection to the host'),
  'insecure-direct': z.boolean().optional().describe('direct without TLS: everybody on the way can read it'),
  socket: hostPath.optional().describe('path of the unix socket on the host, instead of a port'),
  tls: tlsSettings.optional().describe('left out: as the config file of the node says'),
  user: aclUser.optional().describe('ACL user to log in as, beside password'),
  password: passwordSource.optional(),
};

const redisSettings = z.strictObject({
  ...nodeSettings,
  group: word('a group name').optional().describe('the group of the node, when the fleet has several'),
});
const sentinelSettings = z.strictObject(nodeSettings);

const overridable = {
  ssh: sshSettings.optional(),
  transport: z.enum(['ssh', 'openssh', 'local']).optional(),
  become: z.enum(['none', 'sudo']).optional(),
  'sudo-password': sudoPasswordSource
    .optional()
    .describe('where the password for sudo comes from, beside become: sudo; left out: a person is asked'),
  service: z.enum(['auto', 'systemd', 'sysvinit', 'process']).optional(),
  redis: redisSettings.optional(),
  sentinel: sentinelSettings.optional(),
  tls: tlsSettings.optional().describe('for redis and sentinel nodes; left out: as the config file of the node says'),
  user: aclUser.optional().describe('ACL user to log in as on redis nodes, beside password'),
  password: passwordSource.optional().describe('where the Redis password comes from; left out: from each redis.conf'),
  state: hostPath.optional().describe('directory on the host for lock, holds and kept configs'),
};

const runsEntry = z.union([
  z.enum(['redis', 'sentinel']),
  z.strictObject({ redis: redisSettings }),
  z.strictObject({ sentinel: sentinelSettings }),
]);

const host = z.strictObject({
  address: word('an address').describe('IP address or host name'),
  runs: z.array(runsEntry).min(1).max(64),
  ...overridable,
});

const ignored = z.strictObject({
  address: word('an address').describe('as Sentinel writes it'),
  port: port.optional().describe('left out: every port of the address'),
  reason: z
    .string()
    .trim()
    .min(3)
    .max(300)
    .regex(/^[^\p{Cc}]+$/u, { message: 'one line of text' })
    .describe('why it may be left out; it is shown, and goes into reports'),
});

/** fleet.yaml as it may be written; unknown keys are errors everywhere. */
export const fleetSchema = z.strictObject({
  name: word('a fleet name').describe('name of the fleet, shown in every header'),
  group: word('a group name').optional().describe('the name that Sentinel monitors'),
  'master-name': word('a group name').optional().describe('the same as group'),
  groups: z.array(word('a group name')).min(1).optional().describe('the names that Sentinel monitors, when several'),
  defaults: z.strictObject(overridable).optional(),
  hosts: z.record(word('a host name'), host).describe('the machines, by name'),
  ignore: z
    .array(ignored)
    .min(1)
    .max(64)
    .optional()
    .describe('nodes and sentinels that the fleet still knows, and that are gone for good'),
  backup: backupSchema.optional().describe('where backups are kept, how many, and how old they may be'),
});

export type FleetFile = z.infer<typeof fleetSchema>;
export type HostFile = z.infer<typeof host>;
export type PasswordFile = z.infer<typeof passwordSource>;
export type SudoPasswordFile = z.infer<typeof sudoPasswordSource>;
export type SshFile = z.infer<typeof sshSettings>;
export type TlsFile = z.infer<typeof tlsSettings>;
export type NodeFile = z.infer<typeof redisSettings>;

/** JSON Schema (draft 2020-12) of fleet.yaml, for editors and for `redis-runbook schema`. */
export function jsonSchema(): object {
  return {
    ...z.toJSONSchema(fleetSchema, { io: 'input' }),
    $id: 'redis-runbook/fleet/1',
    title: 'fleet.yaml of redis-runbook',
  };
}
