// Redis servers of a size, each on a loopback address of its own behind an sshd there, and the fleet that they are.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRdb } from './backup-rdb.mjs';
import { run } from './program.mjs';

/** `count` servers that have loaded about `mib` MiB each: name, sshd, data, config, child. */
export async function serversOf(own, directory, mib, count) {
  const first = join(directory, `first-${mib}.rdb`);
  writeRdb(first, mib);
  const servers = [];
  for (let n = 1; n <= count; n += 1) {
    const sshd = await own.start(['Subsystem sftp internal-sftp']);
    own.know(sshd);
    const data = join(directory, `pv${n}-${mib}`);
    mkdirSync(data);
    copyFileSync(first, join(data, 'dump.rdb'));
    const config = join(data, 'redis.conf');
    writeFileSync(config, configOf(sshd.address, data));
    const child = spawn('redis-server', [config], { stdio: 'ignore' });
    servers.push({ name: `pv${n}`, sshd, data, config, child });
  }
  rmSync(first);
  for (const { sshd } of servers) await loaded(sshd.address);
  return servers;
}

function configOf(address, data) {
  return `bind ${address}
port 6379
dir ${data}
save ""
appendonly no
logfile ${data}/log
rdbcompression no
`;
}

async function loaded(address) {
  for (let tries = 0; tries < 1200; tries += 1) {
    const { said } = await run('redis-cli', ['-h', address, 'PING']);
    if (said.trim() === 'PONG') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${address} does not load its data`);
}

/** Ends them and removes what they wrote. */
export async function endServers(servers) {
  for (const { child, data } of servers.splice(0)) {
    await new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGKILL'));
    rmSync(data, { recursive: true, force: true });
  }
}

/** A fleet file of some of them, a group each. */
export function fleetFile(own, directory, nodes) {
  const { user, port, identity, knownHosts } = own.settings();
  const hosts = nodes.map(
    ({ name, sshd, config }) =>
      `  ${name}: { address: ${sshd.address}, runs: [redis: { config: ${config}, group: ${name} }, sentinel: { config: ${directory}/none.conf }] }`,
  );
  const file = join(directory, `fleet-${nodes.length}.yaml`);
  writeFileSync(
    file,
    `name: bench
groups: [${nodes.map(({ name }) => name).join(', ')}]
defaults:
  transport: ssh
  become: none
  state: ${directory}/state
  ssh: { user: ${user}, port: ${port}, identity: ${identity}, known-hosts: ${knownHosts} }
hosts:
${hosts.join('\n')}
`,
  );
  return file;
}
