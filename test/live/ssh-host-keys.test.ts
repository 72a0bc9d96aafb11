import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { type Channel, ChannelLost } from '../../src/hosts/channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { judgeHostKey, parseKnownHosts } from '../../src/hosts/ssh/known-hosts.js';
import { appendKnownHost } from '../../src/hosts/ssh/known-hosts-file.js';
import type { SshTarget } from '../../src/hosts/ssh/target.js';
import { type HostKeyQuestion, type HostKeyVerifier, hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { waitFor } from './own-redis.js';
import { type OwnSshd, OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

const transports: readonly (readonly [string, (target: SshTarget, verify: HostKeyVerifier) => Channel])[] = [
  ['ssh', (target, verify) => openSshChannel(target, { verify })],
  ['openssh', (target, verify) => openOpensshChannel(target, { verify, configFile: own.configFile })],
];

const never = () => new AbortController().signal;
const say = (channel: Channel, command = 'echo in') =>
  channel
    .exec(command, { timeoutMs: 20_000, limitBytes: 10_000 }, never())
    .then(({ stdout }) => Buffer.from(stdout).toString());

async function refusal(work: Promise<unknown>): Promise<RunbookError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RunbookError)) throw new Error(`no RunbookError: ${String(error)}`);
  return error;
}

function fingerprintOf(key: string): string {
  return execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
}

/** Starts the server again at its address with another key, as whoever takes its place would. */
async function swap(sshd: OwnSshd, name: string): Promise<{ readonly sshd: OwnSshd; readonly key: string }> {
  await sshd.stop();
  const key = own.key(name);
  return { sshd: await own.start([], { at: sshd.address, hostKeys: [key] }), key };
}

const yes = (asked: HostKeyQuestion[]) =>
  hostKeyVerifier({
    acceptKey: async (question) => {
      asked.push(question);
      return true;
    },
  });
const logins = (sshd: OwnSshd) => sshd.log().split('Accepted publickey').length - 1;

describe.each(transports)('host keys over transport %s', (transport, open) => {
  it('lets a known key in, by a hashed name too, and asks nothing', async () => {
    const sshd = await own.start();
    const file = join(own.directory, `hashed-${transport}`);
    writeFileSync(file, `# mine\n[${sshd.address}]:${sshd.port} ${sshd.publicKey}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).not.toContain(sshd.address);
    const channel = open(await own.target(sshd, { knownHosts: file }), hostKeyVerifier({}));
    expect(await say(channel)).toBe('in\n');
    await channel.close();
  });

  it('refuses an unknown key when nobody can be asked, with its fingerprint and the next command', async () => {
    const key = own.key(`unknown-${transport}`);
    const sshd = await own.start([], { hostKeys: [key] });
    const channel = open(await own.target(sshd), hostKeyVerifier({}));
    const error = await refusal(say(channel));
    expect([error.word, error.exit]).toEqual(['host-key', 4]);
    expect(error.message).toContain('pv1');
    expect(error.facts.join('\n')).toContain(fingerprintOf(key));
    expect(error.next.join('\n')).toMatch(/ssh-keygen -lf .*\n.*ssh -p 22022/);
    expect(logins(sshd)).toBe(0);
    await channel.close();
  });

  it('asks once about an unknown key, keeps it, and goes on; a no changes nothing', async () => {
    const key = own.key(`asked-${transport}`);
    const sshd = await own.start([], { hostKeys: [key] });
    const target = await own.target(sshd, { knownHosts: join(own.directory, `new-${transport}`, 'known_hosts') });
    const no = open(target, hostKeyVerifier({ acceptKey: async () => false }));
    expect((await refusal(say(no))).word).toBe('host-key');
    await no.close();
    expect(logins(sshd)).toBe(0);
    const asked: HostKeyQuestion[] = [];
    const channel = open(target, yes(asked));
    expect(await Promise.all([say(channel), say(channel)])).toEqual(['in\n', 'in\n']);
    await channel.close();
    const [file] = target.userKnownHosts;
    expect(asked).toEqual([
      {
        name: 'pv1',
        machine: `[${sshd.address}]:22022`,
        type: 'ssh-ed25519',
        fingerprint: fingerprintOf(key),
        hasCertAuthority: false,
        file,
      },
    ]);
    expect(readFileSync(file ?? '', 'utf8')).toBe(`[${sshd.address}]:22022 ${sshd.publicKey}\n`);
    expect(statSync(file ?? '').mode & 0o777).toBe(0o600);
    const later = open(target, hostKeyVerifier({}));
    expect(await say(later)).toBe('in\n');
    await later.close();
  });

  it('refuses a swapped key on connecting, with both fingerprints, and asks nobody', async () => {
    const first = await own.start();
    own.know(first);
    const old = execFileSync('ssh-keygen', ['-lf', '-'], { input: `${first.publicKey}\n`, encoding: 'utf8' }).split(
      ' ',
    )[1];
    const { sshd, key } = await swap(first, `swapped-${transport}`);
    const asked: HostKeyQuestion[] = [];
    const channel = open(await own.target(sshd), yes(asked));
    const error = await refusal(say(channel));
    expect([error.word, asked]).toEqual(['host-key', []]);
    expect(error.facts.join('\n')).toContain(fingerprintOf(key));
    expect(error.facts.join('\n')).toContain(`${old} (${own.knownHosts}:`);
    expect(error.next.join('\n')).toContain(`ssh-keygen -R '[${sshd.address}]:22022' -f ${own.knownHosts}`);
    expect(logins(sshd)).toBe(0);
    await channel.close();
  });

  it('refuses a swapped key on reconnecting', async () => {
    const first = await own.start();
    own.know(first);
    const asked: HostKeyQuestion[] = [];
    const channel = open(await own.target(first), yes(asked));
    expect(await say(channel)).toBe('in\n');
    const under = expect(say(channel, 'sleep 41.1')).rejects.toBeInstanceOf(ChannelLost);
    const { sshd } = await swap(first, `later-${transport}`);
    await under;
    const error = await refusal(say(channel));
    expect([error.word, asked, logins(sshd)]).toEqual(['host-key', [], 0]);
    await channel.close();
  });

  it('refuses a swapped key for a tunnel and for a stream, first and on reconnecting', async () => {
    const first = await own.start();
    own.know(first);
    const asked: HostKeyQuestion[] = [];
    const channel = open(await own.target(first), yes(asked));
    const tunnel = await channel.forward(first.address, first.port, never());
    tunnel.destroy();
    const under = expect(say(channel, 'sleep 41.2')).rejects.toBeInstanceOf(ChannelLost);
    const { sshd } = await swap(first, `tunnel-${transport}`);
    await under;
    const later = open(await own.target(sshd), yes(asked));
    for (const each of [channel, later]) {
      for (const work of [each.forward(sshd.address, sshd.port, never()), each.open('cat', never())]) {
        expect((await refusal(work)).word).toBe('host-key');
      }
      await each.close();
    }
    expect([asked, logins(sshd)]).toEqual([[], 0]);
  });

  it('verifies every hop: a swapped key on the first, the second or the last is refused', async () => {
    const hops = [await own.start(), await own.start(), await own.start()] as const;
    for (const hop of hops) own.know(hop);
    const [first, second, last] = hops;
    const config = join(own.directory, `jumps-${transport}`);
    const jump = ({ address }: OwnSshd, more: string) =>
      `Host ${address}\n User ${own.user}\n Port 22022\n IdentityFile ${own.identity}\n IdentitiesOnly yes\n${more}`;
    writeFileSync(
      config,
      [jump(first, ''), jump(second, ` ProxyJump ${first.address}\n`), 'Host *\n IdentityAgent none\n'].join(''),
    );
    const target = await own.target(last, { proxyJump: second.address }, config);
    expect(target.jumps.map(({ host }) => host)).toEqual([first.address, second.address]);
    const asked: HostKeyQuestion[] = [];
    const openOne = () =>
      transport === 'ssh'
        ? openSshChannel(target, { verify: yes(asked) })
        : openOpensshChannel(target, { verify: yes(asked), configFile: config });
    const good = openOne();
    expect(await say(good)).toBe('in\n');
    await good.close();
    expect(hops.map(logins)).toEqual([1, 1, 1]);
    for (const [index, hop] of hops.entries()) {
      const swapped = await swap(hop, `hop-${transport}-${index}`);
      const before = hops.map(logins);
      const channel = openOne();
      const error = await refusal(say(channel));
      expect([error.word, asked]).toEqual(['host-key', []]);
      expect(error.message).toContain(index === 2 ? 'The key of pv1 is' : `by way of ${own.user}@${hop.address}`);
      expect(logins(swapped.sshd)).toBe(0);
      expect(logins(last)).toBe(before[2]);
      await channel.close();
      const knownAgain = join(own.directory, `host-again-${transport}-${index}`);
      await swapped.sshd.stop();
      own.key(`host-again-${transport}-${index}`);
      const again = await own.start([], { at: hop.address, hostKeys: [knownAgain] });
      execFileSync('ssh-keygen', ['-R', `[${hop.address}]:22022`, '-f', own.knownHosts], { stdio: 'ignore' });
      own.know(again);
    }
  });

  it('refuses a revoked key, also where it is known as well', async () => {
    const sshd = await own.start();
    const file = join(own.directory, `revoked-${transport}`);
    writeFileSync(file, `[${sshd.address}]:22022 ${sshd.publicKey}\n@revoked * ${sshd.publicKey}\n`);
    const asked: HostKeyQuestion[] = [];
    const channel = open(await own.target(sshd, { knownHosts: file }), yes(asked));
    const error = await refusal(say(channel));
    expect([error.word, asked, logins(sshd)]).toEqual(['host-key', [], 0]);
    expect(error.message).toContain('revoked');
    expect(error.facts.join('\n')).toContain(`${file}:2`);
    await channel.close();
  });

  it('asks the host for the key that is known when it has several', async () => {
    const keys = [
      own.key(`multi-ed-${transport}`),
      own.key(`multi-rsa-${transport}`, 'rsa'),
      own.key(`multi-ec-${transport}`, 'ecdsa'),
    ];
    const sshd = await own.start([], { hostKeys: keys });
    for (const key of keys) {
      const file = `${key}-known`;
      writeFileSync(file, `[${sshd.address}]:22022 ${own.publicKey(key)}\n`);
      const channel = open(await own.target(sshd, { knownHosts: file }), hostKeyVerifier({}));
      expect(await say(channel)).toBe('in\n');
      await channel.close();
    }
  });
});

describe('files of known hosts', () => {
  const names = ['pv1', 'pv1.example.com', 'pv2', '10.0.0.1', '[pv1]:2222', '[10.0.0.9]:22022', 'x.y.z'];
  const lines = [
    'pv1',
    'PV1.example.com',
    '*.example.com,!pv1.example.com',
    'pv?',
    '10.0.0.*',
    '[pv1]:*',
    '[10.0.0.9]:22022,x.*',
  ];

  it('are matched as ssh-keygen matches them, hashed and not', () => {
    const key = own.publicKey(own.key('matched'));
    for (const [index, line] of lines.entries()) {
      const plain = join(own.directory, `match-${index}`);
      writeFileSync(plain, `${line} ${key}\n`);
      const hashed = `${plain}-hashed`;
      writeFileSync(hashed, `${line} ${key}\n`);
      execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' });
      for (const file of [plain, hashed]) {
        const known = parseKnownHosts(readFileSync(file, 'utf8'), file);
        const ours = names.map((name) => {
          const [, host, port] = /^\[(.*)\]:(\d+)$/.exec(name) ?? [undefined, name, '22'];
          const state = judgeHostKey(
            known,
            { hostName: host ?? '', port: Number(port) },
            Buffer.from(key.split(' ')[1] ?? '', 'base64'),
          );
          return state.state === 'known';
        });
        expect([line, file, ours]).toEqual([line, file, names.map((name) => finds(name, file))]);
      }
    }
  });

  /** ssh tries the name with its port, then without (sshconnect.c). */
  function finds(name: string, file: string): boolean {
    const bare = /^\[(.*)\]:/.exec(name)?.[1];
    return [name, ...(bare === undefined ? [] : [bare])].some((wanted) => {
      try {
        return (
          execFileSync('ssh-keygen', ['-F', wanted, '-f', file], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          }) !== ''
        );
      } catch {
        return false;
      }
    });
  }

  it('get a line whole, after one without its end, through a link, and many at once', async () => {
    const directory = join(own.directory, 'append');
    mkdirSync(directory);
    writeFileSync(join(directory, 'real'), 'old ssh-ed25519 AAAA');
    symlinkSync('real', join(directory, 'link'));
    await appendKnownHost(join(directory, 'link'), 'first ssh-ed25519 AAAA\n');
    const many = Array.from({ length: 50 }, (_, index) => `h${index} ssh-ed25519 ${'A'.repeat(400)}\n`);
    await Promise.all(many.map((line) => appendKnownHost(join(directory, 'link'), line)));
    const written = readFileSync(join(directory, 'real'), 'utf8').split('\n');
    expect(written.slice(0, 2)).toEqual(['old ssh-ed25519 AAAA', 'first ssh-ed25519 AAAA']);
    expect(written.slice(2, -1).sort()).toEqual(many.map((line) => line.trim()).sort());
    expect(written.at(-1)).toBe('');
  });
});

describe('leaving', () => {
  it('ends the master of the system ssh, and everything it made', async () => {
    const sshd = await own.start();
    own.know(sshd);
    const channel = openOpensshChannel(await own.target(sshd), {
      verify: hostKeyVerifier({}),
      configFile: own.configFile,
    });
    const masters = () =>
      execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(' -M ') && line.trim().endsWith(sshd.address));
    expect(await say(channel)).toBe('in\n');
    const [line] = masters().filter((each) => / ssh -F/.test(each));
    const control = / -S (\S+)/.exec(line ?? '')?.[1] ?? '';
    expect(statSync(join(control, '..')).mode & 0o777).toBe(0o700);
    await channel.close();
    await waitFor('the end of the master', () => masters().length === 0);
    expect(() => statSync(join(control, '..'))).toThrow('ENOENT');
    await expect(say(channel)).rejects.toBeInstanceOf(ChannelLost);
  });
});
