import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { ChannelLost } from '../../src/hosts/channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import { waitFor } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

/** The shells that watch over a master of ssh: children of this process. */
function guards(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return parent === process.pid && words[1] === '-c' && words.includes('ssh') ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** The command learns of the loss from its own ssh, which may be before the master's end was seen. */
it('logs in again after a loss although the end of the master was not seen yet', async () => {
  const sshd = await own.start();
  own.know(sshd);
  const channel = openOpensshChannel(await own.target(sshd), {
    verify: hostKeyVerifier({}),
    configFile: own.configFile,
  });
  const exec = (command: string) =>
    channel.exec(command, { timeoutMs: 20_000, limitBytes: 1000 }, new AbortController().signal);
  await exec('true');
  const [guard = 0] = guards();
  expect(guard).toBeGreaterThan(1);
  const under = expect(exec('exec sleep 20.3')).rejects.toBeInstanceOf(ChannelLost);
  await waitFor('the command', async () => (await exec('pgrep -f "^sleep 20.3$" || true')).stdout.length > 0);
  process.kill(guard, 'SIGSTOP');
  try {
    sshd.cut();
    await under;
    expect(Buffer.from((await exec('echo again')).stdout).toString()).toBe('again\n');
    await exec(`ps -eo pid,args | while read -r pid args; do [ "$args" = 'sleep 20.3' ] && kill "$pid"; done; true`);
  } finally {
    process.kill(guard, 'SIGCONT');
    await channel.close();
  }
});
