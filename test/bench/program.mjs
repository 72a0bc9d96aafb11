import { spawn } from 'node:child_process';

/**
 * A program to its end: its status, all that it printed, and how long it took from here. `lines` are those on its standard
 * error with the milliseconds after `beganAt` (since the epoch) at which they came.
 */
export function run(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const beganAt = Date.now();
    const began = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const sinceMs = () => Number(process.hrtime.bigint() - began) / 1e6;
    let said = '';
    let errors = '';
    const lines = [];
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
      const whole = errors.split('\n').slice(lines.length, -1);
      lines.push(...whole.map((text) => ({ atMs: sinceMs(), text })));
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, said, errors, lines, beganAt, tookMs: sinceMs() }));
  });
}
