import { spawn } from 'node:child_process';

/** A program to its end: its status, all that it printed, and how long it took from here. */
export function run(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let said = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ status, said, errors, tookMs: Number(process.hrtime.bigint() - began) / 1e6 });
    });
  });
}
