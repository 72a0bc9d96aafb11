import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type Connection, type Server } from 'ssh2';
import { afterAll, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import type { Channel } from '../../src/hosts/channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { type AskSecret, rememberSecrets, type SecretRequest } from '../../src/hosts/ssh/secrets.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { Secret } from '../../src/model/secret.js';
import { ownAddress } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

const never = () => new AbortController().signal;
const say = (channel: Channel, command = 'echo in') =>
  channel
    .exec(command, { timeoutMs: 20_000, limitBytes: 10_000 }, never())
    .then(({ stdout }) => Buffer.from(stdout).toString());
const verify = () => hostKeyVerifier({});

/** Answers one after the other, and notes what was asked. */
function answering(...answers: readonly (string | undefined)[]): {
  readonly ask: AskSecret;
  readonly asked: SecretRequest[];
} {
  const asked: SecretRequest[] = [];
  const left = [...answers];
  return {
    asked,
    ask: async (request) => {
      asked.push(request);
      const answer = left.shift();
      return answer === undefined ? undefined : new Secret(answer);
    },
  };
}

async function refusal(work: Promise<unknown>): Promise<RunbookError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RunbookError)) throw new Error(`no RunbookError: ${String(error)}`);
  return error;
}

describe('logging in with keys', () => {
  it.each([
    ['ed25519', []],
    ['rsa', []],
    ['ecdsa', []],
    ['rsa', ['-m', 'PEM']],
  ])('takes a key without a passphrase: %s %j', async (type, more) => {
    const key = own.key(`plain-${type}-${more.length}`, type, '', ...more);
    const sshd = await own.start([`AuthorizedKeysFile ${key}.pub`]);
    own.know(sshd);
    const channel = openSshChannel(await own.target(sshd, { identity: key }), { verify: verify() });
    expect(await say(channel)).toBe('in\n');
    await channel.close();
  });

  it.each([
    ['ed25519', []],
    ['rsa', ['-m', 'PEM']],
  ])('asks for a passphrase once, again when it is wrong, and not on a reconnect: %s %j', async (type, more) => {
    const key = own.key(`locked-${type}`, type, 'open sesame', ...more);
    const sshd = await own.start([`AuthorizedKeysFile ${key}.pub`]);
    own.know(sshd);
    const { ask, asked } = answering('open says me', 'open sesame');
    const target = await own.target(sshd, { identity: key });
    const channel = openSshChannel(target, { verify: verify(), askSecret: rememberSecrets(ask) });
    expect(await Promise.all([say(channel), say(channel)])).toEqual(['in\n', 'in\n']);
    const request = { kind: 'passphrase', file: key };
    expect(asked).toEqual([request, request]);
    sshd.cut();
    await say(channel).catch(() => undefined);
    expect(await say(channel)).toBe('in\n');
    expect(asked).toHaveLength(2);
    await channel.close();
  });

  it('asks once for a key that many hosts want', async () => {
    const key = own.key('shared', 'ed25519', 'one for all');
    const { ask, asked } = answering('one for all');
    const askSecret = rememberSecrets(ask);
    const channels = await Promise.all(
      [1, 2, 3].map(async () => {
        const sshd = await own.start([`AuthorizedKeysFile ${key}.pub`]);
        own.know(sshd);
        return openSshChannel(await own.target(sshd, { identity: key }), { verify: verify(), askSecret });
      }),
    );
    expect(await Promise.all(channels.map((channel) => say(channel)))).toEqual(['in\n', 'in\n', 'in\n']);
    expect(asked).toHaveLength(1);
    await Promise.all(channels.map((channel) => channel.close()));
  });

  it('asks for no passphrase of a key that the host would not take', async () => {
    const sshd = await own.start(['PasswordAuthentication no']);
    own.know(sshd);
    const { ask, asked } = answering('never');
    const target = await own.target(sshd, { identity: own.key('unwanted', 'ed25519', 'never') });
    const channel = openSshChannel(target, { verify: verify(), askSecret: ask });
    const error = await refusal(say(channel));
    expect([error.word, error.exit, asked]).toEqual(['login', 4, []]);
    await channel.close();
  });

  it('uses the agent, the configured key first, and only that one when it shall', async () => {
    const [first, wanted] = [own.key('agent-first'), own.key('agent-wanted', 'rsa')];
    const agent = await own.agent(first, wanted);
    const sshd = await own.start([`AuthorizedKeysFile ${wanted}.pub`, 'MaxAuthTries 1']);
    own.know(sshd);
    const config = join(own.directory, 'agent-config');
    writeFileSync(config, `IdentityAgent ${agent}\n`);
    const publicOnly = join(own.directory, 'public-only');
    writeFileSync(`${publicOnly}.pub`, own.publicKey(wanted));
    const channel = openSshChannel(await own.target(sshd, { identity: publicOnly }, config), { verify: verify() });
    expect(await say(channel)).toBe('in\n');
    await channel.close();
    const { identity: _, ...others } = own.settings();
    const target = { ...(await own.target(sshd, others, config)), identities: [], identitiesOnly: false };
    const loose = openSshChannel(target, { verify: verify() });
    expect((await refusal(say(loose))).word).toBe('login');
    await loose.close();
  });

  it('gives the agent to nobody', async () => {
    const agent = await own.agent(own.identity);
    const sshd = await own.start();
    own.know(sshd);
    const config = join(own.directory, 'forward-config');
    writeFileSync(config, `IdentityAgent ${agent}\nForwardAgent yes\n`);
    const target = await own.target(sshd, {}, config);
    for (const channel of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: config }),
    ]) {
      expect(await say(channel, 'echo "[$SSH_AUTH_SOCK]"')).toBe('[]\n');
      await channel.close();
    }
  });

  it('says which key was refused, and what to type', async () => {
    const sshd = await own.start();
    own.know(sshd);
    const identity = own.key('stranger');
    const target = await own.target(sshd, { identity });
    for (const channel of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: own.configFile }),
    ]) {
      const error = await refusal(say(channel));
      expect([error.word, error.exit]).toEqual(['login', 4]);
      expect(error.message).toContain(`pv1 refused the login of ${own.user}`);
      expect(error.next[0]).toContain(`ssh -v -p 22022 ${own.user}@${sshd.address}`);
      await channel.close();
    }
  });
});

describe('a machine that cannot be reached', () => {
  it.each([
    ['nothing listens', {}],
    ['no such name', { address: 'no-such-host.invalid' }],
  ])('is unreachable, not refused: %s', async (_, { address }: { address?: string }) => {
    const target = await own.target({ address: address ?? ownAddress() });
    for (const channel of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: own.configFile }),
    ]) {
      const error = await refusal(say(channel));
      expect([error.word, error.exit]).toEqual(['unreachable', 4]);
      expect(error.message).toContain('pv1 cannot be reached');
      await channel.close();
    }
  });

  it('is given up after its time', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined);
    const address = ownAddress();
    await new Promise<void>((resolve) => silent.listen(22022, address, resolve));
    const target = { ...(await own.target({ address })), connectTimeoutMs: 1000 };
    const stop = AbortSignal.timeout(1500);
    const channel = openSshChannel(target, { verify: verify() });
    const error = await channel
      .exec('true', { timeoutMs: 1000, limitBytes: 1 }, stop)
      .catch((thrown: unknown) => thrown);
    expect(error).toBe(stop.reason);
    await channel.close();
    silent.close();
  });

  it('says so when it speaks only old algorithms', async () => {
    const sshd = await own.start(['Ciphers aes256-cbc']);
    own.know(sshd);
    const channel = openSshChannel(await own.target(sshd), { verify: verify() });
    const error = await refusal(say(channel));
    expect(error.word).toBe('unreachable');
    expect(error.message).toContain('algorithms that are not safe any more');
    await channel.close();
  });
});

describe('the limits of a host', () => {
  it.each([1, 3])('are kept to when it opens %i sessions only: 12 commands all run, once each', async (most) => {
    const sshd = await own.start([`MaxSessions ${most}`]);
    own.know(sshd);
    const target = await own.target(sshd);
    for (const [index, channel] of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: own.configFile }),
    ].entries()) {
      const file = join(own.directory, `ran-${most}-${index}`);
      const all = Array.from({ length: 12 }, (_, each) =>
        say(channel, `echo ${each} >> ${file}; sleep 0.05; echo ${each}`),
      );
      expect(await Promise.all(all)).toEqual(all.map((_, each) => `${each}\n`));
      expect(await say(channel, `wc -l < ${file}`)).toBe('12\n');
      await channel.close();
    }
  });

  it.each([1, 2])('are kept to by streams as well: with %i sessions 6 of them all run, once each', async (most) => {
    const sshd = await own.start([`MaxSessions ${most}`]);
    own.know(sshd);
    const target = await own.target(sshd);
    for (const [index, channel] of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: own.configFile }),
    ].entries()) {
      const file = join(own.directory, `streamed-${most}-${index}`);
      const all = Array.from({ length: 6 }, async (_, each) => {
        const stream = await channel.open(`echo ${each} >> ${file}; sleep 0.05; cat; echo said >&2`, never());
        stream.stdin.end(`${each}`);
        let text = '';
        for await (const chunk of stream.stdout) text += Buffer.from(chunk).toString();
        return [text, await stream.ended];
      });
      expect(await Promise.all(all)).toEqual(all.map((_, each) => [`${each}`, { status: 0, stderr: 'said\n' }]));
      expect(await say(channel, `wc -l < ${file}`)).toBe('6\n');
      await channel.close();
    }
  });

  it('are said when forwarding is off', async () => {
    const sshd = await own.start(['AllowTcpForwarding no']);
    own.know(sshd);
    const target = await own.target(sshd);
    for (const channel of [
      openSshChannel(target, { verify: verify() }),
      openOpensshChannel(target, { verify: verify(), configFile: own.configFile }),
    ]) {
      await expect(channel.forward(sshd.address, sshd.port, never())).rejects.toMatchObject({ code: 'EACCES' });
      expect(await say(channel)).toBe('in\n');
      await channel.close();
    }
  });
});

/** An SSH server that takes passwords, which the machine's own accounts do not have; it keeps what it was told. */
async function passwordServer(ways: readonly string[], password: string) {
  const told: string[] = [];
  const key = own.key(`password-server-${told.length}-${Math.random().toString(36).slice(2)}`);
  const { readFileSync } = await import('node:fs');
  const server: Server = new ssh2.Server({ hostKeys: [readFileSync(key)] }, (client: Connection) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      const reject = () => context.reject([...ways] as never);
      if (!ways.includes(context.method)) return reject();
      if (context.method === 'password') {
        told.push(context.password);
        return context.password === password ? context.accept() : reject();
      }
      if (context.method !== 'keyboard-interactive') return reject();
      context.prompt(
        [
          { prompt: 'Password: ', echo: false },
          { prompt: 'Code: ', echo: true },
        ],
        (answers) => {
          told.push(...answers);
          if (answers[0] === password && answers[1] === '123456') context.accept();
          else reject();
        },
      );
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const stream = acceptExec();
        stream.write('in\n');
        stream.exit(0);
        stream.end();
      });
    });
  });
  const address = ownAddress();
  await new Promise<void>((resolve) => server.listen(22022, address, () => resolve()));
  const know = () => own.know({ address, port: 22022, publicKey: own.publicKey(key) } as never);
  const target = await own.target({ address }, { identity: join(own.directory, 'no-such-key'), user: 'ops' });
  return { target, told, know, close: () => server.close() };
}

describe('logging in with a password', () => {
  it('asks for it once, remembers it, and asks again when it is wrong', async () => {
    const server = await passwordServer(['password'], 'right');
    server.know();
    const { ask, asked } = answering('wrong', 'right');
    const askSecret = rememberSecrets(ask);
    for (const expected of [
      ['wrong', 'right'],
      ['wrong', 'right', 'right'],
    ]) {
      const channel = openSshChannel(server.target, { verify: verify(), askSecret });
      expect(await say(channel)).toBe('in\n');
      expect(server.told).toEqual(expected);
      await channel.close();
    }
    expect(asked.map(({ kind }) => kind)).toEqual(['password', 'password']);
    server.close();
  });

  it('answers the prompts of the host, and remembers no code', async () => {
    const server = await passwordServer(['keyboard-interactive'], 'right');
    server.know();
    const { ask, asked } = answering('right', '123456', '123456');
    const askSecret = rememberSecrets(ask);
    for (const _ of [1, 2]) {
      const channel = openSshChannel(server.target, { verify: verify(), askSecret });
      expect(await say(channel)).toBe('in\n');
      await channel.close();
    }
    expect(asked.map(({ kind }) => kind)).toEqual(['password', 'answer', 'answer']);
    expect(asked[1]).toMatchObject({ prompt: 'Code: ', isShown: true });
    server.close();
  });

  it('stops after three, and shows none of them', async () => {
    const server = await passwordServer(['password'], 'right');
    server.know();
    const { ask } = answering('guess-one', 'guess-two', 'guess-three', 'right');
    const channel = openSshChannel(server.target, { verify: verify(), askSecret: ask });
    const error = await refusal(say(channel));
    expect(error.word).toBe('login');
    expect(server.told).toEqual(['guess-one', 'guess-two', 'guess-three']);
    expect(JSON.stringify([error.message, error.facts, error.next])).not.toContain('guess');
    await channel.close();
    server.close();
  });

  it.each(['password', 'keyboard-interactive'])(
    'is sent to a host whose key was accepted a moment ago only after a second yes: %s',
    async (way) => {
      const server = await passwordServer([way], 'right');
      let seconds = 0;
      const { ask, asked } = answering('right', '123456');
      const verifierSaying = (answer: boolean | undefined) =>
        hostKeyVerifier({
          acceptKey: async () => true,
          ...(answer === undefined
            ? {}
            : {
                sendPassword: async () => {
                  seconds += 1;
                  return answer;
                },
              }),
        });
      const target = (name: string) => ({
        ...server.target,
        userKnownHosts: [join(own.directory, `fresh-${way}-${name}`)],
      });
      for (const answer of [undefined, false]) {
        const channel = openSshChannel(target(String(answer)), { verify: verifierSaying(answer), askSecret: ask });
        const error = await refusal(say(channel));
        expect([error.word, server.told, asked]).toEqual(['login', [], []]);
        expect(error.facts.join()).toContain('accepted only now');
        await channel.close();
      }
      expect(seconds).toBe(1);
      const channel = openSshChannel(target('true'), { verify: verifierSaying(true), askSecret: ask });
      expect(await say(channel)).toBe('in\n');
      expect([server.told[0], seconds]).toEqual(['right', 2]);
      await channel.close();
      server.close();
    },
  );

  it('is never asked for where nobody can be asked', async () => {
    const server = await passwordServer(['password', 'keyboard-interactive'], 'right');
    server.know();
    const channel = openSshChannel(server.target, { verify: verify() });
    const error = await refusal(say(channel));
    expect([error.word, server.told]).toEqual(['login', []]);
    await channel.close();
    server.close();
  });
});
