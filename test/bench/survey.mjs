// How long a survey takes: a whole `redis-runbook status` on a lab of eight nodes (three redis, five sentinels), healthy
// and with everything off, medians. Ends with 1 when one of them is not below a second.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const limitMs = 1000;
const rounds = 9;
const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'runbook-survey-'));
const lab = join(directory, 'lab');
const env = { ...process.env, XDG_STATE_HOME: directory };

function run(expected, ...argv) {
  const began = process.hrtime.bigint();
  const ended = spawnSync(process.execPath, [tool, ...argv], { env, encoding: 'utf8' });
  if (ended.status !== expected) {
    throw new Error(`${argv.join(' ')} ended with ${ended.status}\n${ended.stdout}${ended.stderr}`);
  }
  return { tookMs: Number(process.hrtime.bigint() - began) / 1e6, stdout: ended.stdout };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The whole command, and the look at the hosts within it as the survey itself counts it. */
function measure(name, expected) {
  const rows = Array.from({ length: rounds }, () =>
    run(expected, 'status', '--json', '--fleet', join(lab, 'fleet.yaml')),
  );
  const whole = median(rows.map((row) => row.tookMs));
  const look = median(rows.map((row) => Number(JSON.parse(row.stdout).survey.elapsedMs)));
  console.log(
    `${name.padEnd(16)}survey ${look.toFixed(0).padStart(5)} ms   whole command ${whole.toFixed(0).padStart(5)} ms`,
  );
  return whole;
}

try {
  run(0, 'lab', 'up', '--dir', lab);
  const healthy = measure('8 nodes, up', 0);
  run(0, 'lab', 'break', 'all-down', '--stop', 'clean', '--dir', lab);
  const down = measure('8 nodes, down', 1);
  const slow = Math.max(healthy, down) >= limitMs;
  console.log(slow ? `x: not below ${limitMs} ms` : `ok: below ${limitMs} ms`);
  process.exitCode = slow ? 1 : 0;
} finally {
  run(0, 'lab', 'down', '--dir', lab);
  rmSync(directory, { recursive: true, force: true });
}
