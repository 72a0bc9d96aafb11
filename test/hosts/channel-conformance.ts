import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Channel, ChannelLost, type ExecOptions } from '../../src/hosts/channel.js';
import { ownAddress, waitFor } from '../live/own-redis.js';

/** A channel under test, and what a test needs that no caller has. */
export interface TestedChannel {
  readonly channel: Channel;
  /** Breaks the connection; left out where there is none that could break. */
  readonly cut?: () => void;
  close(): Promise<void>;
}

const options = (more: Partial<ExecOptions> = {}): ExecOptions => ({ timeoutMs: 30_000, limitBytes: 1 << 20, ...more });
const never = () => new AbortController().signal;
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const megabyte = 1024 * 1024;

async function residentMegabytes(): Promise<number> {
  return process.memoryUsage().rss / megabyte;
}

/** What every channel must do; `hasConnection` adds what only one that can be lost must do. */
export function channelConformance(
  name: string,
  makeChannel: () => Promise<TestedChannel>,
  { hasConnection }: { readonly hasConnection: boolean },
): void {
  describe(`the channel of ${name}`, () => {
    let tested: TestedChannel;
    let channel: Channel;
    let echo: Server;
    const address = ownAddress();
    beforeAll(async () => {
      tested = await makeChannel();
      channel = tested.channel;
      echo = createServer((socket: Socket) => socket.pipe(socket));
      echo.listen(7777, address);
      await once(echo, 'listening');
    });
    afterAll(async () => {
      await tested.close();
      echo.close();
    });

    const exec = (command: string, more: Partial<ExecOptions> = {}, signal = never()) =>
      channel.exec(command, options(more), signal);
    /** Whether exactly this command line runs on this machine, which is the host of every test. */
    const runs = async (words: string) =>
      (await exec(`ps -eo args | grep -cFx '${words}' || true`)).stdout.toString().trim() !== '0';

    it('gives the status, and both outputs apart', async () => {
      const result = await exec('echo out; echo err >&2; exit 7');
      expect([text(result.stdout), text(result.stderr)]).toEqual(['out\n', 'err\n']);
      expect(result).toMatchObject({ status: 7, timedOut: false, tooLarge: false });
      expect((await exec('true')).status).toBe(0);
      expect((await exec('exit 255')).status).toBe(255);
      expect((await exec('no-such-program-at-all')).status).toBe(127);
    });

    it('does not call a command that a signal ended a success', async () => {
      const { status, signal } = await exec('kill -9 $$');
      expect(status === 0 || (status === null && signal === null)).toBe(false);
    });

    it('passes every byte through, both ways and on both outputs', async () => {
      expect(Buffer.compare((await exec('cat', { stdin: everyByte })).stdout, everyByte)).toBe(0);
      expect(Buffer.compare((await exec('cat >&2', { stdin: everyByte })).stderr, everyByte)).toBe(0);
    });

    it('ends the input when there is none', async () => {
      expect(text((await exec('cat; echo done')).stdout)).toBe('done\n');
    });

    it('passes 10 MB of input exactly', async () => {
      const stdin = new Uint8Array(10 * megabyte).map((_, index) => (index * 7 + (index >> 9)) & 255);
      const { createHash } = await import('node:crypto');
      const { stdout } = await exec('sha256sum', { stdin });
      expect(text(stdout).slice(0, 64)).toBe(createHash('sha256').update(stdin).digest('hex'));
    });

    it('takes a command that does not read its input', async () => {
      expect(await exec('exit 3', { stdin: new Uint8Array(4 * megabyte) })).toMatchObject({ status: 3 });
    });

    it('keeps the words of a command as the shell wrote them', async () => {
      const { stdout } = await exec(`printf '%s|' "a  b" '$HOME' "it's" 'é "x"\\'`);
      expect(text(stdout)).toBe(`a  b|$HOME|it's|é "x"\\|`);
    });

    it.each(['yes', 'yes >&2', 'cat /dev/zero', 'while :; do echo x; done'])(
      'cuts endless output at its limit and ends the command: %s',
      async (command) => {
        const before = await residentMegabytes();
        const result = await exec(command, { limitBytes: 100_000 });
        expect(result.tooLarge).toBe(true);
        expect(result.stdout.length + result.stderr.length).toBe(100_000);
        expect((await residentMegabytes()) - before).toBeLessThan(100);
      },
    );

    it('keeps output of exactly the limit', async () => {
      const result = await exec('head -c 100000 /dev/zero', { limitBytes: 100_000 });
      expect(result).toMatchObject({ tooLarge: false, status: 0 });
      expect(result.stdout.length).toBe(100_000);
    });

    it('ends a command that takes too long, and gives what it had written', async () => {
      const result = await exec('echo begun; sleep 31.4159; echo not reached', { timeoutMs: 700 });
      expect(result).toMatchObject({ timedOut: true });
      expect(result.status).not.toBe(0);
      expect(text(result.stdout)).toBe('begun\n');
      await waitFor('the end of sleep', async () => !(await runs('sleep 31.4159')));
    });

    it('ends a command when it is stopped, and rejects with the reason', async () => {
      const stop = new AbortController();
      const reason = new Error('stopped by the test');
      const ended = exec('sleep 32.7182', {}, stop.signal);
      const outcome = expect(ended).rejects.toBe(reason);
      await waitFor('the start of sleep', () => runs('sleep 32.7182'));
      stop.abort(reason);
      await outcome;
      await waitFor('the end of sleep', async () => !(await runs('sleep 32.7182')));
    });

    it('starts nothing when it was stopped before', async () => {
      const reason = new Error('stopped');
      await expect(exec('echo x', {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('runs 20 commands at once, each with its own answer', async () => {
      const all = Array.from({ length: 20 }, (_, index) => exec(`sleep 0.1; echo ${index}; exit ${index}`));
      const results = await Promise.all(all);
      expect(results.map(({ status }) => status)).toEqual(results.map((_, index) => index));
      expect(results.map(({ stdout }) => text(stdout))).toEqual(results.map((_, index) => `${index}\n`));
    });

    it('streams 64 MB out in constant memory', async () => {
      const stream = await channel.open('head -c 67108864 /dev/zero', never());
      stream.stdin.end();
      const before = await residentMegabytes();
      let [bytes, most] = [0, 0];
      for await (const chunk of stream.stdout) {
        bytes += chunk.length;
        if (bytes % (8 * megabyte) < chunk.length) await new Promise((resolve) => setTimeout(resolve, 20));
        most = Math.max(most, await residentMegabytes());
      }
      expect(bytes).toBe(64 * megabyte);
      expect(await stream.ended).toMatchObject({ status: 0 });
      expect(most - before).toBeLessThan(48);
    });

    it('streams 64 MB in, in constant memory', async () => {
      const stream = await channel.open('wc -c', never());
      const before = await residentMegabytes();
      const chunk = Buffer.alloc(megabyte, 120);
      let most = 0;
      for (let sent = 0; sent < 64; sent += 1) {
        if (!stream.stdin.write(chunk)) await once(stream.stdin, 'drain');
        most = Math.max(most, await residentMegabytes());
      }
      stream.stdin.end();
      let said = '';
      for await (const part of stream.stdout) said += text(part);
      expect(said.trim()).toBe(String(64 * megabyte));
      expect(await stream.ended).toMatchObject({ status: 0 });
      expect(most - before).toBeLessThan(48);
    });

    it('says how a stream has ended, with its last words', async () => {
      const stream = await channel.open('echo half; echo why >&2; exit 4', never());
      stream.stdin.end();
      expect(await stream.ended).toEqual({ status: 4, stderr: 'why\n' });
    });

    it('fails writing to a command that has ended', async () => {
      const stream = await channel.open('head -c 1 >/dev/null', never());
      const failed = once(stream.stdin, 'error');
      const chunk = Buffer.alloc(megabyte);
      for (let sent = 0; sent < 16; sent += 1) stream.stdin.write(chunk);
      expect(await failed).toHaveLength(1);
      await stream.ended;
    });

    it('ends a stream that is left early', async () => {
      const stream = await channel.open('yes leftearly', never());
      for await (const chunk of stream.stdout) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await stream.ended;
      await waitFor('the end of yes', async () => !(await runs('yes leftearly')));
    });

    it('opens a connection from the host that carries bytes both ways', async () => {
      const duplex = await channel.forward(address, 7777, never());
      const sent = Buffer.concat(Array.from({ length: 2000 }, () => everyByte));
      duplex.end(sent);
      const parts: Buffer[] = [];
      for await (const part of duplex) parts.push(part);
      expect(Buffer.compare(Buffer.concat(parts), sent)).toBe(0);
    });

    it('rejects with the refusal when nothing listens', async () => {
      await expect(channel.forward(address, 1, never())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('closes the connection from the host when ours is destroyed', async () => {
      const duplex = await channel.forward(address, 7777, never());
      const count = () => new Promise<number>((resolve) => echo.getConnections((_, open) => resolve(open)));
      await waitFor('the connection', async () => (await count()) === 1);
      duplex.destroy();
      await waitFor('its end', async () => (await count()) === 0);
    });

    if (!hasConnection) return;

    it('rejects what is under way when the connection is lost, and the next call works', async () => {
      const under = exec('echo begun; sleep 20.1');
      const stream = await channel.open('echo first; sleep 20.2', never());
      const duplex = await channel.forward(address, 7777, never());
      const closed = once(duplex, 'close');
      await waitFor('both commands', async () => (await runs('sleep 20.1')) && (await runs('sleep 20.2')));
      const outcome = expect(under).rejects.toBeInstanceOf(ChannelLost);
      const read = expect(
        (async () => {
          for await (const chunk of stream.stdout) expect(text(chunk)).toBe('first\n');
        })(),
      ).rejects.toBeInstanceOf(ChannelLost);
      duplex.on('error', () => undefined).resume();
      tested.cut?.();
      await Promise.all([outcome, read, closed]);
      await expect(stream.ended).rejects.toBeInstanceOf(ChannelLost);
      expect(text((await exec('echo again')).stdout)).toBe('again\n');
      for (const words of ['sleep 20.1', 'sleep 20.2'])
        await exec(`ps -eo pid,args | while read -r pid args; do [ "$args" = '${words}' ] && kill "$pid"; done; true`);
    });
  });
}
