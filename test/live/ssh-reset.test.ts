import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { connect } from '../../src/hosts/ssh/connection.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { ownAddress, waitFor } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

it('a machine that resets the connection before the first word is unreachable, and ends nothing else', async () => {
  const sshd = await own.start();
  own.know(sshd);
  const address = ownAddress();
  const before = openSockets();
  const taken: Socket[] = [];
  const server = createServer((socket) => taken.push(socket));
  server.listen(sshd.port, address);
  await once(server, 'listening');
  const real = hostKeyVerifier({});
  const verify = {
    ...real,
    // The connection is there, and known keys are being read, when the machine goes away.
    typesOf: async (...args: Parameters<typeof real.typesOf>) => {
      const socket = await waitFor('the connection', () => taken[0]);
      socket.resetAndDestroy();
      await waitFor('the end of both sides', () => openSockets() <= before);
      return real.typesOf(...args);
    },
  };
  const target = { ...(await own.target(sshd)), hostName: address };
  const told = await connect(target, { verify }, new AbortController().signal).catch((error: unknown) => error);
  expect(told).toMatchObject({ word: 'unreachable' });
  expect(String(told)).toMatch(/ECONNRESET|closed/);
  server.close();
});
