// How long the commands that a person or a shell starts all the time take, against a bare `node -e 0`: medians,
// interleaved, so that a busy machine slows both alike. Ends with 1 when one of them takes more than 1.6 times as long.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const limit = 1.6;
const rounds = 15;
const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const bare = 'node -e 0';
const commands = {
  [bare]: ['-e', '0'],
  '--version': [tool, '--version'],
  '--help': [tool, '--help'],
  'recover --help': [tool, 'recover', '--help'],
  'completion bash': [tool, 'completion', 'bash'],
};

const cwd = mkdtempSync(join(tmpdir(), 'runbook-startup-'));
const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
for (let round = -1; round < rounds; round += 1) {
  for (const [name, argv] of Object.entries(commands)) {
    const began = process.hrtime.bigint();
    const { status } = spawnSync(process.execPath, argv, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    const tookMs = Number(process.hrtime.bigint() - began) / 1e6;
    if (status !== 0) {
      throw new Error(`${name} ended with ${status}`);
    }
    if (round >= 0) {
      times[name].push(tookMs);
    }
  }
}
rmSync(cwd, { recursive: true });

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const base = median(times[bare]);
let slow = 0;
for (const [name, values] of Object.entries(times)) {
  const factor = median(values) / base;
  slow += factor > limit ? 1 : 0;
  console.log(`${name.padEnd(18)}${median(values).toFixed(1).padStart(7)} ms${factor.toFixed(2).padStart(7)} x`);
}
console.log(slow === 0 ? `ok: none above ${limit} x` : `x: ${slow} above ${limit} x`);
process.exitCode = slow === 0 ? 0 : 1;
