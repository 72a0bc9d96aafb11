// How long `redis-runbook audit` takes over 1 000 files of 300 lines (250 fleets of three nodes and a sentinel), and how
// much memory it needs. Ends with 1 when it is not below 3 s and 300 MB.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const limitMs = 3000;
const limitMb = 300;
const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'runbook-audit-'));

/** 300 lines as a packaged redis.conf has them: one directive for each two comments. */
function redisConf(fleet, node) {
  const own = [
    `bind 10.${fleet >> 8}.${fleet & 255}.${node}`,
    'port 6379',
    `requirepass a-long-password-of-fleet-${fleet}`,
    `masterauth a-long-password-of-fleet-${fleet}`,
    'maxmemory 2gb',
    ...(node === 1 ? [] : [`replicaof 10.${fleet >> 8}.${fleet & 255}.1 6379`]),
  ];
  const filler = Array.from({ length: 100 }, (_, at) => [
    '# Specify the server verbosity level. This can be one of: debug, verbose, notice, warning',
    '# By default Redis asynchronously dumps the dataset on disk.',
    [
      `tcp-keepalive ${at}`,
      'loglevel notice',
      `save ${900 + at} 1`,
      `client-output-buffer-limit replica 256mb 64mb ${at}`,
    ][at % 4],
  ]).flat();
  return [...own, ...filler].slice(0, 300).join('\n');
}

function sentinelConf(fleet) {
  const lines = [`sentinel monitor group-${fleet} 10.${fleet >> 8}.${fleet & 255}.1 6379 2`];
  const filler = Array.from({ length: 299 }, (_, at) =>
    at % 3 === 0 ? 'logfile ""' : '# sentinel notification-script NAME PATH',
  );
  return [...lines, ...filler].join('\n');
}

function usageOf(stderr) {
  const [, kilobytes, microseconds] = /PEAK (\d+) (\d+)/.exec(stderr) ?? [];
  return { peakMb: Number(kilobytes) / 1024, cpuMs: Number(microseconds) / 1000 };
}

function put(path, text) {
  mkdirSync(join(directory, path), { recursive: true });
  writeFileSync(join(directory, path, path.endsWith('s1') ? 'sentinel.conf' : 'redis.conf'), `${text}\n`);
}

try {
  for (let fleet = 1; fleet <= 250; fleet += 1) {
    for (const node of [1, 2, 3]) put(`fleet-${fleet}/r${node}`, redisConf(fleet, node));
    put(`fleet-${fleet}/s1`, sentinelConf(fleet));
  }
  const measure = `process.on('exit', () => console.error('PEAK ' + process.resourceUsage().maxRSS + ' ' + process.resourceUsage().userCPUTime))`;
  const preload = join(directory, 'peak.cjs');
  writeFileSync(preload, measure);
  const rows = Array.from({ length: 3 }, () => {
    const began = process.hrtime.bigint();
    const ended = spawnSync(process.execPath, ['--require', preload, tool, 'audit', '--json', directory], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    const tookMs = Number(process.hrtime.bigint() - began) / 1e6;
    if (ended.status !== 1) throw new Error(`ended with ${ended.status}\n${ended.stderr.slice(0, 2000)}`);
    const { summary } = JSON.parse(ended.stdout);
    if (summary.hosts !== 1000) throw new Error(`saw ${summary.hosts} hosts instead of 1000`);
    return { tookMs, ...usageOf(ended.stderr) };
  });
  const tookMs = rows.map((row) => row.tookMs).sort((a, b) => a - b)[1];
  const cpuMs = rows.map((row) => row.cpuMs).sort((a, b) => a - b)[1];
  const peakMb = Math.max(...rows.map((row) => row.peakMb));
  console.log(
    `1 000 files of 300 lines  ${tookMs.toFixed(0)} ms (${cpuMs.toFixed(0)} ms of one core)  ${peakMb.toFixed(0)} MB`,
  );
  const over = !(tookMs < limitMs && peakMb < limitMb);
  console.log(over ? `x: not below ${limitMs} ms and ${limitMb} MB` : `ok: below ${limitMs} ms and ${limitMb} MB`);
  process.exitCode = over ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
