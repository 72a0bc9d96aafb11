import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/hosts/channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openReader } from '../../src/hosts/redis-client.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import type { SshTarget } from '../../src/hosts/ssh/target.js';
import { type HostKeyVerifier, hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { Secret } from '../../src/model/secret.js';
import { request } from './look-pairs.js';
import { OwnRedis, rawCommand } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const sshds = new OwnSshds();
const servers = new OwnRedis();
const never = new AbortController().signal;
const password = 'for-the-real-redis';
afterAll(async () => {
  await servers.end();
  await sshds.end();
});

const transports: readonly (readonly [string, (target: SshTarget, verify: HostKeyVerifier) => Channel])[] = [
  ['ssh', (target, verify) => openSshChannel(target, { verify })],
  ['openssh', (target, verify) => openOpensshChannel(target, { verify, configFile: sshds.configFile })],
];

describe.each(transports)('a machine whose key was accepted a moment ago, over transport %s', (transport, open) => {
  it('gets no Redis password before a second yes, and it is asked once', async () => {
    const { entry, address } = await servers.host('pv1');
    const [node] = entry.nodes;
    if (node === undefined) throw new Error('a node is declared');
    await servers.config(node, [`requirepass ${password}`, 'save ""']);
    await servers.start(node);
    const auths = async () => {
      const text = await rawCommand(address, 6379, ['AUTH', password], ['INFO', 'commandstats']);
      return Number(/cmdstat_auth:calls=(\d+)/.exec(text)?.[1] ?? 0);
    };
    const sshd = await sshds.start();
    const target = await sshds.target(sshd, { knownHosts: join(sshds.directory, `new-${transport}`) });
    let says = false;
    const questions: string[] = [];
    const verify = hostKeyVerifier({
      acceptKey: async () => true,
      sendPassword: async ({ machine }) => {
        questions.push(machine);
        return says;
      },
    });
    const passwords = new Map([[node.id, new Secret(password)]]);
    const before = await auths();
    const refused = openRemoteHost({ ...entry, transport: 'ssh' }, open(target, verify));
    const endpoint = { address, port: 6379, node: node.id, credentials: { password: new Secret(password) } };
    const raw = await refused.look({ ...request, passwords }, never);
    const info = raw.answers.find(({ node: id, command }) => id === node.id && command === 'INFO all')?.answer;
    expect(info).toMatchObject({ ok: false, why: 'denied', detail: expect.stringContaining('accepted only now') });
    expect(await openReader(refused, endpoint, { timeoutMs: 5000 }, never)).toMatchObject({ ok: false, why: 'denied' });
    expect([questions, await auths()]).toEqual([[`[${sshd.address}]:22022`], before + 1]);
    await refused.close();

    says = true;
    const fresh = hostKeyVerifier({ acceptKey: async () => true, sendPassword: async () => says });
    const other = { ...target, userKnownHosts: [join(sshds.directory, `other-${transport}`)] };
    const allowed = openRemoteHost({ ...entry, transport: 'ssh' }, open(other, fresh));
    const seen = await allowed.look({ ...request, passwords }, never);
    const answer = seen.answers.find(({ node: id, command }) => id === node.id && command === 'INFO all')?.answer;
    expect(answer).toMatchObject({ ok: true });
    await allowed.close();
  });
});
