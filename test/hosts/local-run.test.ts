import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { runCommand } from '../../src/hosts/local-run.js';

/** The process does nothing else for that long, as on a machine that has no time for it. */
function standStill(forMs: number): void {
  const end = Date.now() + forMs;
  while (Date.now() < end);
}

/**
 * Node learns of two children that ended in one go. What the second one said is read only afterwards, and not at once where
 * this process has to wait for its turn.
 */
test('what a command said is there however late this process learns of its end', async () => {
  const first = spawn('sh', ['-c', 'echo x'], { stdio: ['ignore', 'pipe', 'ignore'] });
  first.stdout.on('data', () => {
    standStill(700);
    setImmediate(() => standStill(300));
  });
  const second = runCommand(
    ['sh', '-c', 'sleep 0.6; echo answer'],
    { timeoutMs: 20_000 },
    new AbortController().signal,
  );
  standStill(300);
  expect(await second).toMatchObject({ status: 0, stdout: 'answer\n' });
});
