import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { resolveTarget } from '../../src/hosts/ssh/resolve-target.js';
import type { SshTarget } from '../../src/hosts/ssh/target.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import type { SshSettings } from '../../src/model/inventory.js';

const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-resolve-'));
const config = join(directory, 'config');
const canary = join(directory, 'canary');
/** PATH where every `ssh` writes the canary, and PATH where there is none. */
const traps = join(directory, 'traps');
const noSsh = join(directory, 'nothing');
const { username, homedir } = userInfo();

beforeAll(() => {
  mkdirSync(traps);
  mkdirSync(noSsh);
  for (const name of ['ssh', 'nc', 'sh']) {
    writeFileSync(join(traps, name), `#!/bin/sh\necho ran >> ${canary}\n`);
    chmodSync(join(traps, name), 0o755);
  }
  writeFileSync(
    config,
    [
      'Host pv1',
      '  HostName 10.0.0.1',
      '  User ops',
      '  Port 2222',
      '  IdentityFile ~/.ssh/id_%r_%h',
      '  IdentitiesOnly yes',
      '  HostKeyAlias the-first',
      '  UserKnownHostsFile /kh/a /kh/b',
      '  ConnectTimeout 3',
      '  IdentityAgent none',
      '  PasswordAuthentication no',
      'Host pv2',
      '  ProxyJump me@b2:2200',
      'Host b2',
      '  HostName 10.0.9.2',
      '  ProxyJump b1',
      'Host b1',
      '  HostName 10.0.9.1',
      '  AddressFamily inet',
      'Host pv3',
      '  ProxyCommand nc %h %p',
      'Host circle',
      '  ProxyJump circle',
      'Host bad',
      '  HostName -oProxyCommand=touch',
      'Host through-command',
      '  ProxyJump pv3',
      'Host *',
      '  IdentityAgent /run/agent',
      '',
    ].join('\n'),
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const never = () => new AbortController().signal;
const resolve = (address: string, ssh?: SshSettings, environment: Record<string, string | undefined> = process.env) =>
  resolveTarget({ name: 'x', address, ...(ssh === undefined ? {} : { ssh }) }, never(), {
    configFile: config,
    environment,
  });

async function refusal(work: Promise<unknown>): Promise<RunbookError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RunbookError)) throw new Error(`no RunbookError: ${String(error)}`);
  return error;
}

describe.each([
  ['the ssh of the system', {}],
  ['the parser, where no ssh is installed', { PATH: noSsh }],
])('what %s says', (_, more) => {
  const environment = { ...process.env, ...more };
  const answer = (address: string, ssh?: SshSettings) => resolve(address, ssh, environment);

  it('decides about everything that fleet.yaml leaves open', async () => {
    expect(await answer('pv1')).toMatchObject({
      name: 'x',
      host: 'pv1',
      hostName: '10.0.0.1',
      user: 'ops',
      port: 2222,
      identities: [`${homedir}/.ssh/id_ops_10.0.0.1`],
      identitiesOnly: true,
      hostKeyAlias: 'the-first',
      userKnownHosts: ['/kh/a', '/kh/b'],
      connectTimeoutMs: 3000,
      mayUsePassword: false,
      mayUseKeyboard: true,
      jumps: [],
    });
    expect(await answer('pv1')).not.toHaveProperty('agent');
    expect(await answer('pv2')).toMatchObject({ agent: '/run/agent' });
  });

  it('has the defaults of ssh for a host that nobody mentions', async () => {
    const target = await answer('10.9.9.9');
    expect(target).toMatchObject({
      hostName: '10.9.9.9',
      user: username,
      port: 22,
      identitiesOnly: false,
      userKnownHosts: [`${homedir}/.ssh/known_hosts`, `${homedir}/.ssh/known_hosts2`],
      globalKnownHosts: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      mayUsePassword: true,
    });
    expect(target.identities).toContain(`${homedir}/.ssh/id_ed25519`);
  });

  it('gives way to fleet.yaml', async () => {
    const ssh = { user: 'me', port: 2022, identity: '~/keys/one', knownHosts: '~/kh' };
    expect(await answer('pv1', ssh)).toMatchObject({
      user: 'me',
      port: 2022,
      identities: [`${homedir}/keys/one`],
      identitiesOnly: true,
      userKnownHosts: [`${homedir}/kh`],
    });
  });

  it('follows jump hosts of jump hosts', async () => {
    const { jumps } = await answer('pv2');
    expect(jumps.map(({ hostName, port, user }) => [hostName, port, user])).toEqual([
      ['10.0.9.1', 22, username],
      ['10.0.9.2', 2200, 'me'],
    ]);
    expect(jumps[0]).toMatchObject({ family: 4 });
    expect((await answer('pv3', { proxyJump: 'b1' })).jumps.map(({ host }) => host)).toEqual(['b1']);
  });

  it('refuses a circle of jump hosts', async () => {
    expect(await refusal(answer('circle'))).toMatchObject({
      word: 'usage',
      message: expect.stringContaining('circle'),
    });
  });

  it('refuses a HostName that could be an option', async () => {
    expect((await refusal(answer('bad'))).message).toMatch(/-oproxycommand/i);
  });

  it('leaves a ProxyCommand to the transport openssh, in clear words', async () => {
    const target = await answer('pv3');
    expect(target.proxyCommand).toBe('configured');
    expect(() => openSshChannel(target, { verify: hostKeyVerifier({}) })).toThrow(
      'x is reached through a ProxyCommand, which transport ssh does not run.',
    );
    expect((await answer('pv3', { proxyCommand: ['nc', 'a'] })).proxyCommand).toEqual(['nc', 'a']);
    expect((await refusal(answer('through-command'))).message).toContain('pv3 has a ProxyCommand');
  });
});

it('says what ssh says about a configuration with a mistake', async () => {
  const broken = join(directory, 'broken');
  writeFileSync(broken, 'NoSuchKeyword yes\n');
  const error = await refusal(resolveTarget({ name: 'x', address: 'pv1' }, never(), { configFile: broken }));
  expect(error.facts.join()).toContain('nosuchkeyword');
});

/** Forty names that would be an option, a second word, a command or a file if they reached a shell or getopt. */
const hostile = [
  '-oProxyCommand=touch /tmp/x',
  '-oLocalCommand=id',
  '-F/tmp/config',
  '-l',
  '--',
  '-',
  '-W10.0.0.1:22',
  '--help',
  '',
  ' ',
  ' pv1',
  'pv1 ',
  'pv1 -oX=y',
  'pv1;id',
  'pv1|id',
  'pv1&id',
  'pv1&&id',
  '$(id)',
  '`id`',
  'pv1$(id)',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: for a shell
  '${HOME}',
  'pv1>x',
  '<x',
  "pv1'x",
  'pv1"x',
  'pv1\\x',
  'pv1\nid',
  'pv1\r',
  'pv1\tx',
  'pv1\0x',
  'pv1\u001b[2J',
  'pv\u202e1',
  'é',
  '*',
  'pv?',
  '../x',
  '/etc/passwd',
  'root@pv1',
  'pv1,pv2',
  'x'.repeat(300),
];

describe('hostile names', () => {
  const environment = { ...process.env, PATH: traps };
  const trapped = (address: string, ssh?: SshSettings) => resolve(address, ssh, environment);

  it('are forty, and the trap works', async () => {
    expect(new Set(hostile).size).toBe(40);
    await trapped('pv1');
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);
  });

  it.each(hostile)('start no process: %j', async (name) => {
    const good = await resolve('pv1');
    expect((await refusal(trapped(name))).word).toBe('usage');
    expect((await refusal(trapped('pv1', { user: name }))).word).toBe('usage');
    // A list of jump hosts and a jump host with a user are what ProxyJump may be.
    const isJump = name === 'root@pv1' || name === 'pv1,pv2';
    for (const proxyJump of isJump ? [] : [name, `${name}@b1`, `b1,${name}`]) {
      expect((await refusal(trapped('pv1', { proxyJump }))).word).toBe('usage');
    }
    const target: SshTarget = { ...good, host: name };
    expect(() => openOpensshChannel(target, { verify: hostKeyVerifier({}), environment })).toThrow(RunbookError);
    expect(existsSync(canary)).toBe(false);
  });
});
