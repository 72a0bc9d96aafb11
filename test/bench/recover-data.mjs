// What a cold recovery costs a fleet that serves, in seconds without an accepted write, for 10 MB and for 2 GB of data: the
// difference may be one save and one load of the data, no more. Booted machines (bookworm, systemd), RDB, two redis nodes
// and three sentinels; the save (SAVE) of the same data on the same machine is timed right before; the load is what the
// master says in its log that it took. As root.
//   node test/bench/recover-data.mjs [--large-mb 2000] [--small-mb 10]

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { numberFlag, printTable } from './table.mjs';
import { typescript } from './typescript.mjs';

const sizes = { small: numberFlag('small-mb', 10), large: numberFlag('large-mb', 2000) };
const VALUE_BYTES = 1000;

const source = await typescript();
const { bootFleet } = await source.load('test/machines/machines.ts');
const hosts = [
  { name: 'pv1', runs: ['redis', 'sentinel'] },
  { name: 'pv2', runs: ['redis', 'sentinel'] },
  { name: 'pvha1', runs: ['sentinel'] },
];
const redisLines = [
  ['enable-debug-command', 'yes'],
  ['rdbcompression', 'no'],
  ['repl-timeout', '600'],
  ['client-output-buffer-limit replica', '0 0 0'],
];
const machines = await bootFleet({ seed: 1, hosts, persistence: 'rdb', downAfterMs: 60_000, redisLines });
try {
  await machines.untilSettled();
  const small = await measure(sizes.small);
  const large = await measure(sizes.large);
  process.exitCode = print(small, large) ? 0 : 1;
} finally {
  await machines.down();
  await source.close();
}

/** Seconds of a save, of a load, and without an accepted write during a cold recovery, for so much data. */
async function measure(megabytes) {
  await machines.untilSettled();
  const master = await machines.master();
  await ask(
    master,
    'DEBUG',
    'POPULATE',
    String(Math.round((megabytes * 1e6) / VALUE_BYTES)),
    'key',
    String(VALUE_BYTES),
  );
  await machines.untilCaughtUp();
  const save = await seconds(() => ask(master, 'SAVE'));
  const gap = watchWrites(master);
  const run = await machines.runbook(['recover', '--yes', '--plain', '--path', 'cold', '--promote', master], {
    login: 'ops',
    timeoutMs: 1_200_000,
  });
  const { longestMs } = await gap.end();
  if (run.status !== 0) throw new Error(`ended with ${run.status}\n${run.stdout}${run.stderr}`);
  const load = await loaded(master);
  console.error(`${megabytes} MB: save ${save} s, load ${load} s, without an accepted write ${longestMs / 1000} s`);
  return { megabytes, save, load, gap: longestMs / 1000 };
}

async function seconds(work) {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began) / 1000;
}

/** redis-cli on the machine itself: it waits for as long as a save takes. */
async function ask(name, ...words) {
  const { address } = machines.hosts.find((machine) => machine.name === name);
  const line = ['redis-cli', '--no-auth-warning', '-h', address, ...words].join(' ');
  const said = await machines.asRoot(name, `REDISCLI_AUTH='${machines.password}' ${line}`, { timeoutMs: 600_000 });
  if (said.status !== 0 || !/^OK/.test(said.stdout)) throw new Error(`${words[0]}: ${said.stdout}${said.stderr}`);
}

/** Seconds of the last load, in the master's own words. */
async function loaded(name) {
  const said = await machines.asRoot(
    name,
    "grep -o 'DB loaded from disk: [0-9.]*' /var/log/redis/redis-server.log | tail -n 1",
  );
  const value = Number(said.stdout.trim().split(' ').at(-1));
  if (!(value >= 0)) throw new Error(`the log of ${name} tells no load: ${said.stdout}${said.stderr}`);
  return value;
}

function watchWrites(master) {
  const { address } = machines.hosts.find((machine) => machine.name === master);
  const script = fileURLToPath(new URL('recover/gap.mjs', import.meta.url));
  const asked = JSON.stringify({ address, password: machines.password, port: 6379 });
  const argv = ['netns', 'exec', machines.fleet.operatorNamespace, process.execPath, script, asked];
  const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  return {
    end: async () => {
      child.stdin.end();
      await closed;
      return JSON.parse(said);
    },
  };
}

function print(small, large) {
  const row = (what, value) => ({ what, values: [value], unit: 's', digits: 1 });
  const rows = [small, large].flatMap((one) => [
    row(`save, ${one.megabytes} MB`, one.save),
    row(`load, ${one.megabytes} MB`, one.load),
    row(`without an accepted write, ${one.megabytes} MB`, one.gap),
  ]);
  const grown = row('more without an accepted write', large.gap - small.gap);
  const due = row('more of one save and one load', large.save + large.load - small.save - small.load);
  return printTable([...rows, due, { ...grown, against: due.what, limit: 1.15 }]);
}
