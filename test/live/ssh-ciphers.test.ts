import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { readInPlace, sshSocket } from '../../src/hosts/ssh/socket.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { ownAddress } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

const CIPHERS = ['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr'];
const signal = new AbortController().signal;

/** A host whose sshd has this cipher alone, keys exchanged anew every few megabytes. */
async function hostWith(cipher: string) {
  const sshd = await own.start([`Ciphers ${cipher}`, 'RekeyLimit 4M']);
  own.know(sshd);
  const channel = openSshChannel(await own.target(sshd), { verify: hostKeyVerifier({}) });
  const at = { address: sshd.address, ssh: own.settings(), state: join(own.directory, 'state'), line: 1 };
  return openRemoteHost({ name: cipher, ...at, transport: 'ssh', become: 'none', service: 'auto', nodes: [] }, channel);
}

it('what several machines send at once arrives as it is, whatever the cipher', async () => {
  const bytes = randomBytes(24 * 1024 * 1024 + 4321);
  const path = join(own.directory, 'data');
  writeFileSync(path, bytes);
  const hosts = await Promise.all([...CIPHERS, ...CIPHERS].map(hostWith));
  const sums = await Promise.all(
    hosts.map(async (host) => {
      const hash = createHash('sha256');
      const kept: Uint8Array[] = [];
      for await (const chunk of host.stream(path, signal)) kept.push(chunk);
      for (const chunk of kept) hash.update(chunk);
      return hash.digest('hex');
    }),
  );
  await Promise.all(hosts.map((host) => host.close()));
  expect(sums).toEqual(sums.map(() => createHash('sha256').update(bytes).digest('hex')));
});

it.each([
  ['aes128-gcm@openssh.com', 'b'],
  ['aes256-ctr', 'b'],
  ['chacha20-poly1305@openssh.com', 'a'],
  ['one of tomorrow', 'a'],
])('what was read stays as it is, unless the cipher (%s) keeps nothing of it', async (cipher, left) => {
  const server = createServer();
  const accepted = once(server, 'connection');
  server.listen(0, ownAddress());
  await once(server, 'listening');
  const { address, port } = server.address() as { address: string; port: number };
  const socket = sshSocket({ host: address, port });
  const [there]: Socket[] = await accepted;
  const next = async (text: string): Promise<Buffer> => {
    const read = once(socket, 'data');
    there?.write(text.repeat(1000));
    return (await read)[0];
  };
  await next('x');
  readInPlace(socket, cipher);
  const first = await next('a');
  expect(first.toString()).toBe('a'.repeat(1000));
  expect((await next('b')).toString()).toBe('b'.repeat(1000));
  expect(first.toString()).toBe(left.repeat(1000));
  socket.destroy();
  server.close();
});
