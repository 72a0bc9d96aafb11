import { afterAll, describe, expect, it } from 'vitest';
import { type Channel, ChannelLost } from '../../src/hosts/channel.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { shellPool } from '../../src/hosts/remote/shell-pool.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import type { HostEntry } from '../../src/model/inventory.js';
import { waitFor } from './own-redis.js';
import { type OwnSshd, OwnSshds } from './own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

const never = new AbortController().signal;
const limits = { timeoutMs: 10_000, limitBytes: 1024 * 1024 };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function overSsh(lines: readonly string[] = []): Promise<{ sshd: OwnSshd; channel: Channel }> {
  const sshd = await own.start(lines);
  own.know(sshd);
  return { sshd, channel: openSshChannel(await own.target(sshd), { verify: hostKeyVerifier({}) }) };
}

describe.each(['a local shell', 'ssh2'])('shells that stay open, over %s', (name) => {
  const open = async () => (name === 'ssh2' ? (await overSsh()).channel : openLocalChannel('here'));

  it('give status and both outputs of each script exactly, whatever they end with', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const cases = ['', '\n', 'no newline', 'lines\nand\n\n', '\u0000bytes\u0001'];
    for (const said of cases) {
      const bytes = [...new TextEncoder().encode(said)].map((byte) => `\\0${byte.toString(8)}`).join('');
      const line = `/bin/sh -c 'printf "%b" "$1"; printf "%b" "$1" >&2; exit "$2"' sh '${bytes}' 7`;
      const { status, stdout, stderr, timedOut, tooLarge } = await pool.exec(line, limits, never);
      expect([status, text(stdout), text(stderr), timedOut, tooLarge]).toEqual([7, said, said, false, false]);
    }
    pool.close();
    await channel.close();
  });

  it('get a long word exactly as it is, the first time, again, and beside another of the same beginning', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const long = `${'it\'s $HOME `id` \\ "\n'.repeat(100)}\n\n`;
    const script = `${' '.repeat(1000)}printf %s "$1"; printf %s "$2" >&2`;
    const words = [long, `${long}x`, long, 'short', `${long}\n`, `${long}x`];
    const all = words.map((word, at) =>
      pool.exec(
        ['/bin/sh', '-c', script, 'sh', word, long],
        at > 3 ? { ...limits, stdin: new Uint8Array(3) } : limits,
        never,
      ),
    );
    const said = (await Promise.all(all)).map(({ stdout, stderr }) => [text(stdout), text(stderr)]);
    expect(said).toEqual(words.map((word) => [word, long]));
    const much = await pool.exec(
      ['/bin/sh', '-c', 'printf %s "$#"', 'sh', ...Array.from({ length: 9 }, (_, n) => `${n}`.repeat(40_000))],
      limits,
      never,
    );
    expect(text(much.stdout)).toBe('9');
    const names = await pool.exec('set', limits, never);
    expect(text(names.stdout).match(/^rrb_word_\d+=/gm)?.length).toBeLessThan(16);
    pool.close();
    await channel.close();
  });

  it('run one after another in one shell, and side by side in others', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const parent = async () => text((await pool.exec("/bin/sh -c 'echo $PPID'", limits, never)).stdout);
    expect(await parent()).toBe(await parent());
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, n) => pool.exec(`/bin/sh -c 'sleep 0.05; echo ${n}'`, limits, never)),
    );
    expect(many.map(({ stdout }) => text(stdout))).toEqual(Array.from({ length: 20 }, (_, n) => `${n}\n`));
    pool.close();
    await channel.close();
  });

  it('are not read by a script, and give it no more than a public text', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const none = await pool.exec("/bin/sh -c 'cat; echo end'", limits, never);
    const stdin = new TextEncoder().encode("it's $HOME\n`x`\n");
    const some = await pool.exec('/bin/cat', { ...limits, stdin, stdinIsPublic: true }, never);
    const after = await pool.exec('/bin/echo after', limits, never);
    expect([none, some, after].map(({ stdout }) => text(stdout))).toEqual(['end\n', "it's $HOME\n`x`\n", 'after\n']);
    pool.close();
    await channel.close();
  });

  it('give a script a private input byte by byte, and show it in no argument list', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const stdin = Uint8Array.from([...Array.from({ length: 256 }, (_, byte) => byte), ...Buffer.from("'%s\\n$(id)\n")]);
    expect(await pool.takes({ ...limits, stdin }, never)).toBe(true);
    const line = `/bin/sh -c 'cat; cat /proc/[0-9]*/cmdline 2> /dev/null | tr "\\0" "\\n" | grep -c "[%]s.n[$](id)"'`;
    const { stdout } = await pool.exec(line, { ...limits, stdin }, never);
    expect(Buffer.from(stdout).equals(Buffer.concat([stdin, Buffer.from('0\n')]))).toBe(true);
    expect(await pool.takes({ ...limits, stdin: new Uint8Array(65_537) }, never)).toBe(false);
    pool.close();
    await channel.close();
  });

  it('cut an output at its limit, end a script that takes too long or is stopped, and go on', async () => {
    const channel = await open();
    const pool = shellPool(channel, '/bin/sh');
    const endless = await pool.exec("/bin/sh -c 'while :; do echo x; done'", { ...limits, limitBytes: 1000 }, never);
    expect([endless.tooLarge, endless.stdout.length, endless.status]).toEqual([true, 1000, null]);
    const slow = await pool.exec("/bin/sh -c 'echo begun; exec sleep 60'", { ...limits, timeoutMs: 3000 }, never);
    expect([slow.timedOut, text(slow.stdout), slow.status]).toEqual([true, 'begun\n', null]);
    const stop = new AbortController();
    const stopped = pool.exec('/bin/sleep 60', limits, stop.signal);
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    expect((await pool.exec('/bin/true', limits, never)).status).toBe(0);
    pool.close();
    await channel.close();
  });

  it('are given up when what they say before a script has no end', async () => {
    const channel = await open();
    const pool = shellPool(channel, "/bin/sh -c 'exec cat /dev/zero'");
    const { status, timedOut, tooLarge } = await pool.exec('/bin/true', limits, never);
    expect([status, timedOut, tooLarge]).toEqual([null, false, true]);
    pool.close();
    await channel.close();
  });
});

describe('shells that stay open on an sshd', () => {
  it('lose what is under way with the connection, repeat nothing, and work again', async () => {
    const { sshd, channel } = await overSsh();
    const pool = shellPool(channel, '/bin/sh');
    const marks = `${sshd.directory}/marks`;
    const under = pool.exec(`/bin/sh -c 'echo begun >> ${marks}; exec sleep 60'`, limits, never);
    const ended = under.then(
      () => 'answered',
      (error: unknown) => error,
    );
    const lines = async () => text((await channel.exec(`cat ${marks}`, limits, never)).stdout);
    await waitFor('the script to begin', async () => (await lines()) === 'begun\n' || undefined);
    sshd.cut();
    expect(await ended).toBeInstanceOf(ChannelLost);
    expect((await pool.exec('/bin/true', limits, never)).status).toBe(0);
    expect(await lines()).toBe('begun\n');
    pool.close();
    await channel.close();
  });

  it('that rested when the connection was lost are not used again', async () => {
    const { sshd, channel } = await overSsh();
    const pool = shellPool(channel, '/bin/sh');
    const both = () => [1, 2].map(() => pool.exec("/bin/sh -c 'echo $PPID; sleep 0.2'", limits, never));
    const shells = (await Promise.all(both())).map(({ stdout }) => text(stdout));
    expect(new Set(shells).size).toBe(2);
    const under = pool.exec('/bin/sleep 60', limits, never).catch((error: unknown) => error);
    sshd.cut();
    expect(await under).toBeInstanceOf(ChannelLost);
    const after = await Promise.all(both());
    expect(after.map(({ status }) => status)).toEqual([0, 0]);
    pool.close();
    await channel.close();
  });

  it('hear nothing of what the shell itself said before the first script', async () => {
    const { channel } = await overSsh();
    const pool = shellPool(channel, 'echo noise; echo noise >&2; exec /bin/sh');
    const { stdout, stderr } = await pool.exec("/bin/sh -c 'echo out; echo err >&2'", limits, never);
    expect([text(stdout), text(stderr)]).toEqual(['out\n', 'err\n']);
    pool.close();
    await channel.close();
  });

  it('give the answer of a command that is no shell as the answer of the script', async () => {
    const { channel } = await overSsh();
    const pool = shellPool(channel, "/bin/sh -c 'echo refused >&2; exit 1'");
    const { status, stdout, stderr } = await pool.exec('/bin/true', limits, never);
    expect([status, text(stdout)]).toEqual([1, '']);
    expect(text(stderr)).toContain('refused\n');
    await channel.close();
  });

  it('leave the only session of a host that opens one at a time to a stream', async () => {
    const { sshd, channel } = await overSsh(['MaxSessions 1']);
    const entry = { name: 'pv1', address: sshd.address, become: 'none', service: 'auto', transport: 'ssh', nodes: [] };
    const host = openRemoteHost({ ...entry, state: sshd.directory, line: 1 } as unknown as HostEntry, channel);
    const large = `${sshd.directory}/large`;
    await host.run(['sh', '-c', 'head -c 3000000 /dev/zero > "$1"', 'sh', large], { timeoutMs: 10_000 }, never);
    for (let round = 0; round < 2; round += 1) {
      let bytes = 0;
      for await (const chunk of host.stream(large, never)) bytes += chunk.length;
      expect(bytes).toBe(3_000_000);
      const reads = await Promise.all([1, 2, 3].map(() => host.stat(large)));
      expect(reads.every(({ ok }) => ok)).toBe(true);
    }
    await host.close();
  });
});
