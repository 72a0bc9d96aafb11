import { describe, expect, it } from 'vitest';
import { endNamed, namedCommand } from '../../../src/hosts/named-command.js';
import { masterArguments, muxArguments } from '../../../src/hosts/openssh/arguments.js';
import type { SshHop } from '../../../src/hosts/ssh/target.js';

const hop: SshHop = {
  host: 'pv1',
  hostName: '10.0.0.1',
  port: 2222,
  user: 'ops',
  identities: ['/keys/id one'],
  identitiesOnly: true,
  userKnownHosts: ['/home/me/.ssh/known hosts', '/b%h'],
  globalKnownHosts: [],
  connectTimeoutMs: 1500,
  ciphers: ['chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'],
  mayUsePassword: true,
  mayUseKeyboard: true,
};
const how = { control: '/tmp/rrb-x/c0', strictness: 'strict' } as const;

describe('the arguments of a master', () => {
  const args = masterArguments(hop, undefined, how);

  it('end the options before the host, and give nothing of ours away', () => {
    expect(args.slice(-2)).toEqual(['--', 'pv1']);
    for (const setting of [
      'BatchMode=yes',
      'ForwardAgent=no',
      'ForwardX11=no',
      'PermitLocalCommand=no',
      'ClearAllForwardings=yes',
      'StrictHostKeyChecking=yes',
      'ProxyCommand=none',
    ]) {
      expect(args[args.indexOf(setting) - 1]).toBe('-o');
    }
  });

  it('quote paths as ssh_config wants them, and leave no token in them', () => {
    expect(args).toContain('UserKnownHostsFile="/home/me/.ssh/known hosts" "/b%%h"');
    expect(args).toContain('GlobalKnownHostsFile=none');
    expect(args).toContain('IdentityFile="/keys/id one"');
    expect(() => masterArguments({ ...hop, userKnownHosts: ['/a"b'] }, undefined, how)).toThrow(RangeError);
  });

  it('put AES-GCM first among the ciphers that are allowed', () => {
    expect(args).toContain(
      'Ciphers=aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr',
    );
  });

  it('go through the connection of the hop before', () => {
    const before = { ...hop, host: 'bastion' };
    const through = masterArguments(
      hop,
      { control: '/tmp/rrb-x/c0', hop: before },
      { ...how, control: '/tmp/rrb-x/c1' },
    );
    const command = through.find((arg) => arg.startsWith('ProxyCommand=')) ?? '';
    expect(command).toMatch(/^ProxyCommand=ssh .* -S \/tmp\/rrb-x\/c0 .* -W '\[10\.0\.0\.1\]:2222' -- bastion$/);
  });

  it('pass an argument list as ProxyCommand word by word', () => {
    const proxyCommand = ['nc', '-X', '100%', "it's;", '$(x)'];
    expect(masterArguments(hop, { proxyCommand }, how)).toContain(
      `ProxyCommand=nc -X '100%%' 'it'\\''s;' '$(x)'`.replace("'100%%'", '100%%'),
    );
  });

  it('can do nothing but the exchange of keys while a key is fetched', () => {
    const fetch = masterArguments(hop, undefined, { ...how, strictness: { fetchInto: '/tmp/k' } });
    expect(fetch).toEqual(expect.arrayContaining(['PreferredAuthentications=none', 'UserKnownHostsFile="/tmp/k"']));
    expect(fetch).not.toContain('StrictHostKeyChecking=yes');
    expect(fetch).not.toContain('-M');
  });

  it('keep a command from logging in by itself when the master is gone', () => {
    expect(muxArguments('/c')).toEqual(expect.arrayContaining(['-S', '/c', 'ProxyCommand=false', 'ControlMaster=no']));
  });
});

describe('a command that can be ended', () => {
  it('is found by a name of its own, which the one that ends it does not hold', () => {
    const [one, two] = [namedCommand('sleep 1'), namedCommand('sleep 1')];
    const name = /^: (rrb-[0-9a-f]{24})\nsleep 1\nexit \$\?$/.exec(one.command)?.[1] ?? '';
    expect(name).toHaveLength(28);
    expect(two.command).not.toContain(name);
    expect(one.end).not.toContain(name);
    expect(one.end.replace("''", '')).toContain(`grep -ls -e '${name}' `);
  });

  it.each(['', 'rrb-', 'rrb-1', `rrb-${'0'.repeat(23)}`, `rrb-${'0'.repeat(24)}\n`, `x rrb-${'0'.repeat(24)}`, '.*'])(
    'is never looked for by less than a whole name: %j',
    (name) => {
      expect(() => endNamed(name)).toThrow(TypeError);
    },
  );
});
