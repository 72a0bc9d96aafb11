// How fast a backup leaves its machine over ssh, beside what people do by hand over the same link, and what the node feels
// of it. Four sshd on loopback, four Redis servers with a snapshot of the size asked for each; one after the other in each
// round. `data` is the whole command (start, look at the fleet, data, everything beside it, read back, signed) without the
// time that the node itself took for BGSAVE, which none of the others waits for. Memory is the tool's own.
//   node test/bench/backup.mjs [--rounds 3] [--mib 1024] [--only one,four,flat,latency,restic]
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { latency } from './backup-latency.mjs';
import { writeRdb } from './backup-rdb.mjs';
import { run } from './program.mjs';
import { numberFlag, printTable } from './table.mjs';
import { typescript } from './typescript.mjs';

const rounds = numberFlag('rounds', 3);
const mib = numberFlag('mib', 1024);
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : '';
const wants = (part) => only === '' || only.split(',').includes(part);
const MOST_MB = 250;
const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const peakOf = fileURLToPath(new URL('peak.mjs', import.meta.url));

const source = await typescript();
const { OwnSshds } = await source.load('test/live/own-sshd.ts');
const own = new OwnSshds();
const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-bench-backup-'));
const servers = [];
try {
  process.exitCode = printTable(await measureAll()) ? 0 : 1;
} finally {
  for (const { child } of servers) child.kill('SIGKILL');
  await own.end();
  await source.close();
  rmSync(directory, { recursive: true, force: true });
}

async function measureAll() {
  const hasRestic = wants('restic') && (await run('restic', ['version']).catch(() => ({ status: 1 }))).status === 0;
  if (wants('restic') && !hasRestic) console.log('restic is not there and is left out: apt-get install restic');
  const small = Math.max(1, Math.round(mib / 4));
  const rows = [];
  if (wants('flat')) {
    await serversOf(small, 1);
    rows.push(...(await series([servers[0]], `${small} MiB`, hasRestic, { rounds: 1 })));
    await endServers();
  }
  await serversOf(mib, wants('four') ? 4 : 1);
  if (wants('one')) rows.push(...(await series(servers.slice(0, 1), `${mib} MiB`, hasRestic, { rounds })));
  if (wants('four'))
    rows.push(...(await series(servers, `4 x ${mib} MiB`, hasRestic, { rounds: Math.min(rounds, 2) })));
  if (wants('latency')) rows.push(...(await latencyRows()));
  return rows;
}

async function serversOf(size, count) {
  const first = join(directory, `first-${size}.rdb`);
  writeRdb(first, size);
  for (let n = 1; n <= count; n += 1) {
    const sshd = await own.start(['Subsystem sftp internal-sftp']);
    own.know(sshd);
    const data = join(directory, `pv${n}-${size}`);
    mkdirSync(data);
    copyFileSync(first, join(data, 'dump.rdb'));
    const config = join(data, 'redis.conf');
    const lines = [
      `bind ${sshd.address}`,
      'port 6379',
      `dir ${data}`,
      'save ""',
      'appendonly no',
      `logfile ${data}/log`,
    ];
    writeFileSync(config, `${[...lines, 'rdbcompression no'].join('\n')}\n`);
    const child = spawn('redis-server', [config], { stdio: 'ignore' });
    servers.push({ name: `pv${n}`, sshd, data, config, child });
  }
  rmSync(first);
  for (const { sshd } of servers) await loaded(sshd.address);
}

async function loaded(address) {
  for (let tries = 0; tries < 600; tries += 1) {
    const { said } = await run('redis-cli', ['-h', address, 'PING']);
    if (said.trim() === 'PONG') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${address} does not load its data`);
}

async function endServers() {
  for (const { child, data } of servers.splice(0)) {
    await new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGKILL'));
    rmSync(data, { recursive: true, force: true });
  }
}

/** By hand, and by the tool, in turn: the same machines, the same files, the same link. */
async function series(nodes, label, hasRestic, options) {
  const kinds = ['cat', 'scp', ...(hasRestic ? ['restic'] : [])];
  const times = Object.fromEntries([...kinds, 'whole', 'data', 'peak'].map((kind) => [kind, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const kind of kinds) times[kind].push(await byHand(kind, nodes));
    const { tookMs, snapshotMs, peakMb } = await backup(nodes);
    times.whole.push(tookMs / 1000);
    times.data.push((tookMs - snapshotMs) / 1000);
    times.peak.push(peakMb);
  }
  const by = `ssh cat | sha256sum, ${label}`;
  const rows = [
    { what: by, values: times.cat },
    { what: `scp + sha256sum, ${label}`, values: times.scp },
    ...(hasRestic ? [{ what: `ssh cat | restic, ${label}`, values: times.restic }] : []),
    { what: `backup create, ${label}: data`, values: times.data, against: by, limit: 1 },
    { what: `backup create, ${label}: with BGSAVE`, values: times.whole },
  ].map((row) => ({ ...row, unit: 's', digits: 2 }));
  return [...rows, { what: `memory of backup create, ${label}`, values: times.peak, unit: 'MB', limit: MOST_MB }];
}

/** All nodes at once, one shell line each. */
async function byHand(kind, nodes) {
  const began = process.hrtime.bigint();
  const ended = await Promise.all(
    nodes.map((node) => run('/bin/bash', ['-c', `set -o pipefail; ${lineOf(kind, node)}`])),
  );
  const failed = ended.find(({ status }) => status !== 0);
  if (failed) throw new Error(`${kind}: ${failed.errors}`);
  const took = Number(process.hrtime.bigint() - began) / 1e9;
  for (const { name } of nodes) rmSync(join(directory, `copy-${name}`), { recursive: true, force: true });
  return took;
}

function lineOf(kind, { name, sshd, data }) {
  const options = `-F ${own.configFile} -i ${own.identity} -o UserKnownHostsFile=${own.knownHosts}`;
  const path = `${data}/dump.rdb`;
  const copy = join(directory, `copy-${name}`);
  const cat = `ssh ${options} -p ${sshd.port} ${own.user}@${sshd.address} cat ${path}`;
  if (kind === 'cat') return `${cat} | sha256sum`;
  if (kind === 'scp')
    return `scp -q ${options} -P ${sshd.port} ${own.user}@${sshd.address}:${path} ${copy} && sha256sum ${copy}`;
  const restic = `RESTIC_PASSWORD=bench restic -q --no-cache -r ${copy}`;
  return `${restic} init && ${cat} | ${restic} backup --stdin`;
}

async function backup(nodes) {
  const repository = join(directory, 'repository');
  const file = fleetFile(nodes);
  const env = {
    XDG_STATE_HOME: own.directory,
    XDG_CONFIG_HOME: join(directory, 'config'),
    NODE_OPTIONS: `--import=${peakOf}`,
  };
  const args = [tool, 'backup', 'create', '--json', '--fleet', file, '--repository', repository];
  const { status, said, errors, tookMs } = await run(process.execPath, args, env);
  const peak = [...errors.matchAll(/peak (\d+)/g)].at(-1)?.[1];
  if (status !== 0 || peak === undefined) throw new Error(`${status}: ${errors}${said}`);
  if (process.env.BENCH_TALK) console.log(errors);
  const { backups } = JSON.parse(said);
  if (backups.length !== nodes.length) throw new Error(`${backups.length} backups: ${errors}`);
  rmSync(repository, { recursive: true, force: true });
  // Several are made at once: the time in which any node still saved.
  const snapshotMs = Math.max(...backups.map(({ cost }) => cost.snapshotMs)) * Math.ceil(nodes.length / 2);
  return { tookMs, snapshotMs, peakMb: Number(peak) / 1e6 };
}

function fleetFile(nodes) {
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

/** A client that writes every two milliseconds, for a while alone and then beside a backup and beside `ssh cat`. */
async function latencyRows() {
  const [node] = servers;
  const rows = [];
  for (const [what, work] of [
    ['alone', () => new Promise((resolve) => setTimeout(resolve, 8000))],
    ['during BGSAVE + ssh cat', () => bgsaveAndCat(node)],
    ['during backup create', () => backup([node])],
  ]) {
    const seen = await latency(node.sshd.address, 6379, work);
    for (const part of ['p50', 'p99', 'max'])
      rows.push({ what: `write latency ${part}, ${what}`, values: [seen[part]], unit: 'ms', digits: 2 });
  }
  return rows;
}

async function bgsaveAndCat(node) {
  const ask = async (...words) => (await run('redis-cli', ['-h', node.sshd.address, ...words])).said;
  await ask('BGSAVE');
  while (/rdb_bgsave_in_progress:1/.test(await ask('INFO', 'persistence')))
    await new Promise((resolve) => setTimeout(resolve, 100));
  await byHand('cat', [node]);
}
