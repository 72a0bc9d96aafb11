// Two branches of one dataset compared key by key: a million common keys, 12 000 and 300 own writes, deletions and expiries
// on both sides. Time from the first byte copied to the last key, and our own memory; the counts must be exact.
//   npm run build && node test/bench/ledger.mjs [--keys 1000000]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalHost } from '../../dist/hosts/local.js';
import { compareKeys } from '../../dist/scratch/compare.js';
import { openScratch } from '../../dist/scratch/load.js';
import { numberFlag, printTable } from './table.mjs';

const keys = numberFlag('keys', 1_000_000);
const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-bench-'));
const entry = { name: 'here', address: '127.0.0.1', transport: 'local', become: 'none', service: 'process', nodes: [] };
const never = new AbortController().signal;
const branches = [
  { node: 'pv1', own: 12_000, deleted: 700, expiring: 400 },
  { node: 'pv2', own: 300, deleted: 50, expiring: 30 },
];
try {
  const files = [];
  for (const [at, branch] of branches.entries()) files.push(await saved(branch, at));
  const began = performance.now();
  const opened = await Promise.all(
    files.map((path) =>
      openScratch(
        openLocalHost({ ...entry, state: directory, line: 0 }),
        { kind: 'rdb', path },
        { keepExpired: true, debug: true },
        never,
      ),
    ),
  );
  const loadedMs = performance.now() - began;
  const [left, right] = opened.map((scratch, at) => ({ node: branches[at].node, scratch }));
  const ledger = await compareKeys(left, right, {}, never).finally(() => Promise.all(opened.map((one) => one.end())));
  const allMs = performance.now() - began;
  // What was written is the record. Each branch deletes keys of its own, which only the other has now.
  const told = [ledger.onlyLeft.keys, ledger.onlyRight.keys, ledger.left.expired, ledger.right.expired].map(Number);
  const expected = [12_000 + 50, 300 + 700, 400, 30];
  console.log(
    'only pv1, only pv2, expired pv1, expired pv2:',
    told.join(' '),
    'of',
    expected.join(' '),
    ledger.isExact ? 'exact' : '',
  );
  const memory = process.resourceUsage().maxRSS / 1024;
  const kept = printTable([
    { what: 'copied and loaded', values: [loadedMs / 1000], unit: 's', digits: 1 },
    { what: 'compared', values: [ledger.elapsedMs / 1000], unit: 's', digits: 1 },
    { what: 'in all', values: [allMs / 1000], unit: 's', digits: 1, limit: 60 },
    { what: 'our own memory', values: [memory], unit: 'MiB', limit: 200 },
  ]);
  process.exitCode = kept && ledger.isExact && told.join() === expected.join() ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The RDB file of a real server that took the common keys and the branch's own. */
async function saved({ node, own, deleted, expiring }, at) {
  const socket = join(directory, `${node}.sock`);
  const child = spawn('redis-server', ['-'], { cwd: directory, stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(`port 0\nunixsocket ${socket}\nsave ""\ndbfilename ${node}.rdb\nenable-debug-command yes\n`);
  const link = await opened(socket);
  const commands = [
    ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
    ['DEBUG', 'POPULATE', `${keys}`, 'common', '16'],
  ];
  for (let i = 0; i < own; i += 1) commands.push(['SET', `order:${node}-${i}`, 'x']);
  for (let i = 0; i < deleted; i += 1) commands.push(['DEL', `common:${i + at * 10_000}`]);
  for (let i = 0; i < expiring; i += 1) commands.push(['SET', `sess:${node}-${i}`, 'x', 'PX', '1']);
  for (let i = 0; i < commands.length; i += 1000)
    link.write(
      commands
        .slice(i, i + 1000)
        .map(encoded)
        .join(''),
    );
  link.end(encoded(['SAVE']));
  await new Promise((resolve) => link.on('end', resolve).resume());
  child.kill('SIGKILL');
  return join(directory, `${node}.rdb`);
}

function encoded(words) {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

async function opened(path) {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = await new Promise((resolve) => {
      const one = connect({ path, allowHalfOpen: true });
      one.once('connect', () => resolve(one)).once('error', () => resolve(undefined));
    });
    if (socket) return socket;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the server did not come up');
}
