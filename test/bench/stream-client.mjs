// Reads one file of a host to its end, hashed on the way, as the tool does; says what came and the memory that it took.
import { createHash } from 'node:crypto';
import { openOpensshChannel } from '../../dist/hosts/openssh/channel.js';
import { openRemoteHost } from '../../dist/hosts/remote/host.js';
import { openSshChannel } from '../../dist/hosts/ssh/channel.js';
import { resolveTarget } from '../../dist/hosts/ssh/resolve-target.js';
import { hostKeyVerifier } from '../../dist/hosts/ssh/verifier.js';

const { transport, address, ssh, configFile, path } = JSON.parse(process.argv[2] ?? '');
const signal = new AbortController().signal;
const entry = {
  name: 'source',
  address,
  ssh,
  transport,
  become: 'none',
  service: 'auto',
  nodes: [],
  state: '/var/lib/redis-runbook',
  line: 1,
};
const target = await resolveTarget(entry, signal, { configFile });
const tools = { verify: hostKeyVerifier({}), configFile };
const channel = transport === 'openssh' ? openOpensshChannel(target, tools) : openSshChannel(target, tools);
const host = openRemoteHost(entry, channel);
const hash = createHash('sha256');
let bytes = 0;
for await (const chunk of host.stream(path, signal)) {
  bytes += chunk.length;
  if (!process.env.NOHASH) hash.update(chunk);
}
const sha256 = hash.digest('hex');
await host.close();
console.log(
  JSON.stringify({ bytes, sha256, rssBytes: process.resourceUsage().maxRSS * 1024, cpu: process.cpuUsage() }),
);
