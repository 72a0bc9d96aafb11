// How fast a backup leaves its machine over ssh, beside what people do by hand over the same link, and what the node feels
// of it. An sshd on loopback for each host, a Redis server with a snapshot of the size asked for behind it. In each round
// all go one after the other, and every round begins with another one. What is measured of the tool is the whole command
// (start, look at the fleet, data, everything beside it, read back, synced, signed); the first row of it without the time in
// which nothing but BGSAVE was under way, which `ssh cat` does not wait for; the second one with it, beside a shell line
// that has one made, too. By hand it is ssh as it comes (chacha20 with OpenSSH 9), nothing of it kept; one row has the
// cipher that the tool takes, one keeps and syncs what comes, as the tool always does. restic reads the same ssh's pipe.
//   node test/bench/backup.mjs [--rounds 3] [--mib 1024] [--only one,four,flat,latency] [--ways cat,gcm,kept,scp,restic,saved]
// BENCH_TALK=1 prints what the tool says, and when.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endServers, serversOf } from './backup-fleet.mjs';
import { latency } from './backup-latency.mjs';
import { backup, byHand, byHandWays } from './backup-ways.mjs';
import { run } from './program.mjs';
import { numberFlag, printTable } from './table.mjs';
import { typescript } from './typescript.mjs';

const rounds = numberFlag('rounds', 3);
const mib = numberFlag('mib', 1024);
const parts = wordsFlag('only', ['one', 'four', 'flat', 'latency']);
const ways = wordsFlag('ways', Object.keys(byHandWays));
const MOST_MB = 250;

const source = await typescript();
const { OwnSshds } = await source.load('test/live/own-sshd.ts');
const own = new OwnSshds();
const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-bench-backup-'));
const place = { own, directory };
const servers = [];
try {
  process.exitCode = printTable(await measureAll()) ? 0 : 1;
} finally {
  for (const { child } of servers) child.kill('SIGKILL');
  await own.end();
  await source.close();
  rmSync(directory, { recursive: true, force: true });
}

/** `--name a,b` of the command line; only words that are known. */
function wordsFlag(name, known) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return known;
  const words = process.argv[at + 1].split(',');
  const strange = words.find((word) => !known.includes(word));
  if (strange !== undefined) throw new Error(`--${name} ${strange}: one of ${known.join(', ')}`);
  return words;
}

async function measureAll() {
  const isThere = ways.includes('restic') && (await hasRestic());
  const there = ways.filter((way) => way !== 'restic' || isThere);
  const rows = [];
  if (parts.includes('flat'))
    for (const size of [Math.max(1, Math.round(mib / 4)), mib, 4 * mib]) rows.push(...(await flat(size)));
  if (parts.some((part) => part !== 'flat'))
    servers.push(...(await serversOf(own, directory, mib, parts.includes('four') ? 4 : 1)));
  if (parts.includes('one')) rows.push(...(await series(servers.slice(0, 1), `${mib} MiB`, there)));
  if (parts.includes('four')) rows.push(...(await series(servers, `4 x ${mib} MiB`, there)));
  if (parts.includes('latency')) rows.push(...(await latencyRows()));
  return rows;
}

async function hasRestic() {
  const version = await run('restic', ['version']).catch(() => undefined);
  if (version?.status === 0) console.log(version.said.trim());
  else console.log('restic is not there and is left out: apt-get install restic');
  return version?.status === 0;
}

/** By hand, and by the tool, in turn: the same machines, the same files, the same link. */
async function series(nodes, label, rivals) {
  const all = [...rivals, 'tool'];
  const times = new Map(all.map((way) => [way, []]));
  for (let round = 0; round < rounds; round += 1)
    for (let n = 0; n < all.length; n += 1) {
      const way = all[(n + round) % all.length];
      times.get(way).push(way === 'tool' ? await backup(nodes, place) : await byHand(way, nodes, place));
    }
  const of = (pick) => times.get('tool').map(pick);
  const name = (way) => `${byHandWays[way]}, ${label}`;
  const rows = rivals.map((way) => ({ what: name(way), values: times.get(way) }));
  rows.push({ what: `backup create, ${label}: data`, values: of(({ dataS }) => dataS), ...against('cat', 1) });
  rows.push({
    what: `backup create, ${label}: with BGSAVE`,
    values: of(({ wholeS }) => wholeS),
    ...against('saved', 1),
  });
  rows.push({ what: `BGSAVE alone, each, ${label}`, values: of(({ saves }) => saves).flat() });
  rows.push({ what: `processor time of the tool, ${label}`, values: of(({ cpuS }) => cpuS) });
  return [...rows.map((row) => ({ ...row, unit: 's', digits: 2 })), memoryRow(label, of)];

  function against(way, limit) {
    return rivals.includes(way) ? { against: name(way), limit } : {};
  }
}

function memoryRow(label, of) {
  return { what: `memory of backup create, ${label}`, values: of(({ peakMb }) => peakMb), unit: 'MB', limit: MOST_MB };
}

/** Another size, the tool alone. */
async function flat(size) {
  servers.push(...(await serversOf(own, directory, size, 1)));
  const taken = await backup(servers, place);
  await endServers(servers);
  const label = `${size} MiB alone`;
  const of = (pick) => [pick(taken)];
  const data = { what: `backup create, ${label}: data`, values: of(({ dataS }) => dataS), unit: 's', digits: 2 };
  return [data, memoryRow(label, of)];
}

/** A client that writes every two milliseconds, for a while alone and then beside what reads the node's data. */
async function latencyRows() {
  const node = servers[0];
  const works = {
    alone: () => new Promise((resolve) => setTimeout(resolve, 8000)),
    'during ssh cat | sha256sum': () => byHand('cat', [node], place),
    'during BGSAVE and ssh cat | sha256sum': () => byHand('saved', [node], place),
    'during backup create': () => backup([node], place),
  };
  const seen = Object.fromEntries(Object.keys(works).map((what) => [what, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [what, work] of Object.entries(works)) seen[what].push(await latency(node.sshd.address, 6379, work));
  return Object.entries(seen).flatMap(([what, all]) =>
    ['p50', 'p99', 'max'].map((part) => ({
      what: `write latency ${part}, ${what}`,
      values: all.map((each) => each[part]),
      unit: 'ms',
      digits: 2,
    })),
  );
}
