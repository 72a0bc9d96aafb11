// The ways in which a snapshot leaves its machine: by hand, over the same link, and by the tool.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fleetFile } from './backup-fleet.mjs';
import { run } from './program.mjs';

const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const peakOf = fileURLToPath(new URL('peak.mjs', import.meta.url));
const RESTIC = 'RESTIC_PASSWORD=bench restic -q --no-cache';

/** What each is called in the table. `cat` is what the others are measured against: ssh as it comes. */
export const byHandWays = {
  cat: 'ssh cat | sha256sum',
  gcm: 'the same, the cipher of the tool',
  kept: 'the same, kept and synced',
  scp: 'scp + sha256sum',
  restic: 'ssh cat | restic backup --stdin',
  saved: 'BGSAVE, ssh cat | sha256sum',
};

/** Seconds of one way, on all nodes at once, one shell line each. */
export async function byHand(way, nodes, { own, directory }) {
  for (const { name } of nodes) mkdirSync(join(directory, `copy-${name}`));
  const all = (line) => Promise.all(nodes.map((node) => shell(line(node))));
  if (way === 'restic') await all((node) => `${RESTIC} -r ${copyOf(node, directory)} init`);
  const began = process.hrtime.bigint();
  await all((node) => lineOf(way, node, own, directory));
  const took = Number(process.hrtime.bigint() - began) / 1e9;
  for (const { name } of nodes) rmSync(join(directory, `copy-${name}`), { recursive: true });
  return took;
}

async function shell(line) {
  const { status, errors } = await run('/bin/bash', ['-c', `set -o pipefail; ${line}`]);
  if (status !== 0) throw new Error(`${line}: ${errors}`);
}

function copyOf({ name }, directory) {
  return join(directory, `copy-${name}`, 'copy');
}

function lineOf(way, node, own, directory) {
  const { sshd, data } = node;
  const options = `-F ${own.configFile} -i ${own.identity} -o UserKnownHostsFile=${own.knownHosts}`;
  const path = `${data}/dump.rdb`;
  const copy = copyOf(node, directory);
  const cat = (more = '') => `ssh ${more} ${options} -p ${sshd.port} ${own.user}@${sshd.address} cat ${path}`;
  const lines = {
    cat: `${cat()} | sha256sum`,
    gcm: `${cat('-c aes128-gcm@openssh.com')} | sha256sum`,
    kept: `${cat()} | tee ${copy} | sha256sum && sync ${copy}`,
    scp: `scp -q ${options} -P ${sshd.port} ${own.user}@${sshd.address}:${path} ${copy} && sha256sum ${copy}`,
    restic: `${cat()} | ${RESTIC} -r ${copy} backup --stdin`,
    saved: `${bgsave(sshd.address)} && ${cat()} | sha256sum`,
  };
  return lines[way];
}

function bgsave(address) {
  const cli = `redis-cli -h ${address}`;
  const saving = `${cli} INFO persistence | grep -q rdb_bgsave_in_progress:1`;
  return `${cli} BGSAVE > /dev/null && while ${saving}; do sleep 0.1; done`;
}

/**
 * One `backup create` of all nodes, on the disk when it ends: `wholeS` from start to end, `dataS` without the time in which
 * nothing but saving was under way, `saves` = seconds of each node's own BGSAVE, memory and processor time of the tool alone.
 */
export async function backup(nodes, { own, directory }) {
  const repository = join(directory, 'repository');
  const env = {
    XDG_STATE_HOME: own.directory,
    XDG_CONFIG_HOME: join(directory, 'config'),
    NODE_OPTIONS: `--import=${peakOf}`,
  };
  const file = fleetFile(own, directory, nodes);
  const args = [tool, 'backup', 'create', '--json', '--fleet', file, '--repository', repository];
  const ended = await run(process.execPath, args, env);
  const [, peak, cpu] = /peak (\d+) cpu (\d+)/.exec(ended.errors) ?? [];
  if (ended.status !== 0 || peak === undefined) throw new Error(`${ended.status}: ${ended.errors}${ended.said}`);
  if (process.env.BENCH_TALK) talk(ended);
  const { backups } = JSON.parse(ended.said);
  if (backups.length !== nodes.length) throw new Error(`${backups.length} backups: ${ended.errors}`);
  rmSync(repository, { recursive: true });
  const wholeS = ended.tookMs / 1000;
  const dataS = wholeS - onlySavingMs(backups, ended) / 1000;
  const saves = backups.map(({ cost }) => cost.snapshotMs / 1000);
  return { wholeS, dataS, saves, peakMb: Number(peak) / 1e6, cpuS: Number(cpu) / 1e6 };
}

function talk({ lines, tookMs }) {
  for (const { atMs, text } of lines) console.log((atMs / 1000).toFixed(2).padStart(7), text);
  console.log((tookMs / 1000).toFixed(2).padStart(7), 'over');
}

/** Milliseconds in which every group that was worked on was only waiting for its node's BGSAVE. */
function onlySavingMs(backups, { lines, beganAt }) {
  const works = backups.map(({ group, cost, finishedAt }) => {
    const own = lines.filter(({ text }) => text.startsWith(`${group}: `));
    const save = own.find(({ text }) => text.includes('(BGSAVE)'))?.atMs;
    if (save === undefined) throw new Error(`no snapshot of ${group} was told`);
    const range = { from: own[0].atMs, to: Date.parse(finishedAt) - beganAt };
    return { ...range, save: { from: save, to: save + cost.snapshotMs } };
  });
  const moments = works.flatMap(({ from, to, save }) => [from, to, save.from, save.to]).sort((a, b) => a - b);
  let total = 0;
  for (const [index, from] of moments.slice(0, -1).entries()) {
    const middle = (from + moments[index + 1]) / 2;
    const isIn = (range) => range.from < middle && middle < range.to;
    const working = works.filter(isIn);
    if (working.length > 0 && working.every(({ save }) => isIn(save))) total += moments[index + 1] - from;
  }
  return total;
}
