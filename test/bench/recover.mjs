// How long a dead fleet takes to serve again: five booted machines (bookworm, systemd), all off after the cascade, booted
// with nothing of Redis started. The tool beside the same steps as an Ansible playbook and as a script over multiplexed
// OpenSSH, one after another in each round, in another order each time, from the same disks. As root.
//   node test/bench/recover.mjs [--rounds 5] [--only WAY[,WAY]]

import { givePython, keepDisks, watch, ways } from './recover/fleet.mjs';
import { numberFlag, printTable } from './table.mjs';
import { typescript } from './typescript.mjs';

const rounds = numberFlag('rounds', 5);
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : undefined;
const moments = ['master writable', 'replicas linked', 'verified'];

const source = await typescript();
const { bootFleet } = await source.load('test/machines/machines.ts');
const machines = await bootFleet({ seed: 1 });
const names = machines.hosts.map(({ name }) => name);
try {
  const { lastWriter } = await machines.cascade('clean');
  givePython(machines);
  const restore = keepDisks(machines);
  const all = Object.entries(ways(machines, lastWriter)).filter(([name]) => only?.includes(name) ?? true);
  const times = Object.fromEntries(all.map(([name]) => [name, moments.map(() => [])]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, recover] of [...all.slice(round % all.length), ...all.slice(0, round % all.length)]) {
      const took = await once(restore, lastWriter, recover);
      for (const [i, ms] of took.entries()) times[name][i].push(ms / 1000);
      console.error(`${name.padEnd(14)}${took.map((ms) => `${(ms / 1000).toFixed(1)} s`.padStart(8)).join('')}`);
    }
  }
  process.exitCode = print(times) ? 0 : 1;
} finally {
  await machines.down();
  await source.close();
}

/** One recovery from the first state: milliseconds until each moment. What it left is seen from outside before the next. */
async function once(restore, master, recover) {
  restore();
  await machines.boot(names, { quiet: true });
  const watching = watch(machines, master);
  try {
    const began = Date.now();
    await recover();
    const verifiedAt = Date.now();
    const settled = await machines.untilSettled();
    if (settled !== master) throw new Error(`${settled} is master, not ${master}`);
    const { writableAt, linkedAt } = await watching.end();
    return [writableAt, linkedAt, verifiedAt].map((at) => at - began);
  } finally {
    await machines.powerCut(machines.on());
  }
}

function print(times) {
  const linked = 'replicas linked';
  const rows = moments.flatMap((moment, i) =>
    Object.entries(times).map(([name, values]) => ({
      what: `${moment}, ${name}`,
      values: values[i],
      unit: 's',
      digits: 1,
    })),
  );
  const byName = new Map(rows.map((row) => [row.what, row]));
  const own = byName.get(`${linked}, redis-runbook`);
  if (own === undefined) return printTable(rows);
  const judged = [
    { ...own, what: `${linked}, redis-runbook beside ansible`, against: `${linked}, ansible`, limit: 0.4 },
    { ...own, what: `${linked}, redis-runbook beside by hand`, against: `${linked}, by hand`, limit: 1 },
  ].filter(({ against }) => byName.has(against));
  return printTable([...rows, ...judged]);
}
