import { afterAll } from 'vitest';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { channelConformance } from '../hosts/channel-conformance.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

channelConformance(
  'a local shell',
  async () => {
    const channel = openLocalChannel('here');
    return { channel, close: () => channel.close() };
  },
  { hasConnection: false },
);

channelConformance(
  'ssh2',
  async () => {
    const sshd = await own.start();
    own.know(sshd);
    const channel = openSshChannel(await own.target(sshd), { verify: hostKeyVerifier({}) });
    return { channel, cut: sshd.cut, close: () => channel.close() };
  },
  { hasConnection: true },
);

channelConformance(
  'the ssh of the system',
  async () => {
    const sshd = await own.start();
    own.know(sshd);
    const tools = { verify: hostKeyVerifier({}), configFile: own.configFile };
    const channel = openOpensshChannel(await own.target(sshd), tools);
    return { channel, cut: sshd.cut, close: () => channel.close() };
  },
  { hasConnection: true },
);
