// How long a look at a fleet over ssh takes: 5, 20 and 80 sshd on loopback, each a host of fleet.yaml. A whole
// `redis-runbook status` beside OpenSSH running `true` on all of them with the same parallelism (all at once), one after
// the other in each round. No Redis runs: what is measured is logging in and looking. Memory is the tool's own.
//   node test/bench/survey-ssh.mjs [--rounds 5] [--hosts N]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './program.mjs';
import { numberFlag, printTable } from './table.mjs';
import { typescript } from './typescript.mjs';

const rounds = numberFlag('rounds', 5);
const only = numberFlag('hosts', 0.5);
const sizes = only < 1 ? [5, 20, 80] : [only];
const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const peakOf = fileURLToPath(new URL('peak.mjs', import.meta.url));

const source = await typescript();
const { OwnSshds } = await source.load('test/live/own-sshd.ts');
const own = new OwnSshds();
try {
  const servers = [];
  const hostKeys = [own.key('host')];
  while (servers.length < Math.max(...sizes)) {
    const sshd = await own.start([], { hostKeys });
    own.know(sshd);
    servers.push(sshd);
  }
  const rows = [];
  for (const size of sizes) rows.push(...(await measure(servers.slice(0, size))));
  process.exitCode = printTable(rows) ? 0 : 1;
} finally {
  await own.end();
  await source.close();
}

/** OpenSSH with one process per host, all at once, as a shell loop with `&` and `wait` does. */
async function openssh(servers) {
  const began = process.hrtime.bigint();
  const flags = ['-F', own.configFile, '-i', own.identity, '-o', `UserKnownHostsFile=${own.knownHosts}`];
  const ended = await Promise.all(
    servers.map((sshd) => run('ssh', [...flags, '-p', String(sshd.port), `${own.user}@${sshd.address}`, 'true'])),
  );
  const failed = ended.find(({ status }) => status !== 0);
  if (failed) throw new Error(`ssh ended with ${failed.status}: ${failed.errors}`);
  return Number(process.hrtime.bigint() - began) / 1e6;
}

async function look(file) {
  const env = { XDG_STATE_HOME: own.directory, NODE_OPTIONS: `--import=${peakOf}` };
  const { status, said, errors, tookMs } = await run(
    process.execPath,
    [tool, 'status', '--json', '--fleet', file],
    env,
  );
  const survey = JSON.parse(said).survey;
  const unseen = Object.values(survey.hosts).filter(({ reachable }) => reachable?.ok === false);
  const peak = /peak (\d+)/.exec(errors)?.[1];
  if (![1, 4].includes(status) || unseen.length > 0 || peak === undefined)
    throw new Error(`${status}: ${errors}${said}`);
  return { tookMs, peakMb: Number(peak) / 1e6 };
}

function fleetFile(servers) {
  const directory = join(own.directory, `fleet-${servers.length}`);
  mkdirSync(directory);
  const { user, port, identity, knownHosts } = own.settings();
  const hosts = servers.map(
    ({ address }, i) =>
      `  pv${i + 1}: { address: ${address}, runs: [redis: { config: ${directory}/none.conf }, sentinel: { config: ${directory}/nos.conf }] }`,
  );
  const file = join(directory, 'fleet.yaml');
  writeFileSync(
    file,
    `name: bench
group: stn-master
defaults:
  transport: ssh
  become: none
  ssh: { user: ${user}, port: ${port}, identity: ${identity}, known-hosts: ${knownHosts} }
hosts:
${hosts.join('\n')}
`,
  );
  return file;
}

async function measure(servers) {
  const file = fleetFile(servers);
  const times = { ssh: [], tool: [], peak: [] };
  for (let round = -1; round < rounds; round += 1) {
    const sshMs = await openssh(servers);
    const { tookMs, peakMb } = await look(file);
    if (round < 0) continue;
    times.ssh.push(sshMs);
    times.tool.push(tookMs);
    times.peak.push(peakMb);
  }
  const hosts = `${servers.length} hosts`;
  return [
    { what: `ssh true, ${hosts}`, values: times.ssh, unit: 'ms' },
    { what: `status, ${hosts}`, values: times.tool, unit: 'ms', against: `ssh true, ${hosts}`, limit: 3 },
    { what: `memory of status, ${hosts}`, values: times.peak, unit: 'MB', limit: 200 },
  ];
}
