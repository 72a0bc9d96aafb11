import { randomBytes } from 'node:crypto';
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { RunbookError } from '../../errors.js';
import { type Channel, ChannelLost, type ExecStream } from '../channel.js';
import { childEnd, signalGroup, startChild } from '../child.js';
import { forwarded, forwardRefused } from '../forwarded.js';
import { namedCommand } from '../named-command.js';
import { onAbort } from '../reading.js';
import { asStream, type Running, runToEnd } from '../running.js';
import { shared } from '../shared.js';
import { MOST_SESSIONS, slots } from '../slots.js';
import { type SshTarget, safeName } from '../ssh/target.js';
import { muxArguments } from './arguments.js';
import { type Master, type OpensshPorts, startMaster } from './master.js';

const CHECK_LIMITS = { timeoutMs: 5000, limitBytes: 4096 };
const FORWARD_TIMEOUT_MS = 15_000;
/** A login shell may greet before it says that the command runs. */
const MOST_BEFORE_MARK_BYTES = 64 * 1024;

/** The host opened no session: the command was never started. */
class SessionRefused extends Error {
  override readonly name = 'SessionRefused';
}

interface Link {
  readonly master: Master;
  readonly target: SshTarget;
}

function useMaster({ master, target }: Link, flags: readonly string[], command: readonly string[]) {
  const host = safeName(target.host, 'the address of a machine');
  return startChild('ssh', [...muxArguments(master.control), ...flags, '--', host, ...command], master.environment);
}

/** A child without a group to kill: ssh itself, which closes its session when it ends. */
function running(child: ReturnType<typeof startChild>): Running {
  const { stdin, stdout, stderr } = child;
  return { stdin, stdout, stderr, ended: childEnd(child), kill: () => signalGroup(child, 'SIGKILL') };
}

async function isAlive(link: Link): Promise<boolean> {
  if (link.master.lost.aborted) return false;
  const check = running(useMaster(link, ['-O', 'check'], []));
  return (await runToEnd(check, CHECK_LIMITS, new AbortController().signal)).status === 0;
}

/** The first words of ssh when sshd opens no session (MaxSessions): a command that had begun would have spoken before. */
const isRefusal = /^mux_client_request_session: session request failed/;

function start(link: Link, command: string): Running {
  const named = namedCommand(command);
  const host = link.target.name;
  const child = useMaster(link, [], [named.command]);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (words.length < 1000) words += chunk.toString('latin1');
  });
  let isKilled = false;
  const settle = async () => {
    const how = await childEnd(child);
    if (isKilled || how.status !== 255) return how;
    // 255 is ssh's own word for "lost" and for "refused", and may be the command's.
    if (!(await isAlive(link))) {
      // The command may learn of it before the master's own end is seen: the next one must not be given to a dead master.
      void link.master.close();
      throw lost(host);
    }
    if (isRefusal.test(words)) throw new SessionRefused(words.trim().split('\n')[0] ?? '');
    return how;
  };
  const ended = new Promise<Awaited<ReturnType<typeof settle>>>((resolve, reject) => {
    settle().then(resolve, reject);
    onAbort(link.master.lost, () => {
      reject(lost(host));
      signalGroup(child, 'SIGKILL');
    });
  });
  ended.catch(() => undefined);
  const kill = () => {
    if (isKilled || child.exitCode !== null || child.signalCode !== null) return;
    isKilled = true;
    const end = () => signalGroup(child, 'SIGKILL');
    if (link.master.lost.aborted) return end();
    const second = running(useMaster(link, [], [named.end]));
    runToEnd(second, CHECK_LIMITS, link.master.lost).then(end, end);
    child.stdout.resume();
    child.stderr.resume();
  };
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, kill };
}

function lost(host: string): ChannelLost {
  return new ChannelLost(`the connection to ${host} was lost: whether the command had its effect is not known`);
}

/** ssh says on its standard error when the host has opened the connection, or that it refused. */
function forward(link: Link, address: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const host = link.target.name;
  const child = useMaster(link, ['-v', '-W', `[${safeName(address, 'an address')}]:${port}`], []);
  return new Promise((resolve, reject) => {
    let words = '';
    const stop = (why: unknown) => {
      done();
      signalGroup(child, 'SIGKILL');
      reject(why);
    };
    const timer = setTimeout(() => stop(forwardRefused(host, address, port, 'timed out')), FORWARD_TIMEOUT_MS);
    const forgets = [onAbort(signal, () => stop(signal.reason)), onAbort(link.master.lost, () => stop(lost(host)))];
    const done = () => {
      clearTimeout(timer);
      forgets.forEach((forget) => void forget());
    };
    const listen = (chunk: Buffer) => {
      words += chunk.toString('latin1');
      if (!/session id: \d+/.test(words)) return;
      done();
      child.stderr.off('data', listen);
      child.stderr.resume();
      // The master holds the pipes too: it sees their end at once, but the end of this ssh up to 5 s later.
      const close = () => {
        child.stdin.destroy();
        child.stdout.destroy();
        signalGroup(child, 'SIGKILL');
      };
      resolve(forwarded({ readable: child.stdout, writable: child.stdin, close }));
    };
    child.stderr.on('data', listen);
    childEnd(child).then(() => stop(refusal(link, address, port)), stop);
  });
}

/** The reason stands in the words of the master: `channel 2: open failed: connect failed: Connection refused`. */
function refusal({ master, target }: Link, address: string, port: number): Error {
  if (master.lost.aborted) return lost(target.name);
  const said = /open failed: (.*)/.exec(
    master
      .lastWords()
      .trim()
      .split('\n')
      .findLast((line) => line.includes('open failed')) ?? '',
  );
  return forwardRefused(target.name, address, port, said?.[1]?.trim() ?? 'refused');
}

function noSession(host: string, error: SessionRefused): RunbookError {
  return new RunbookError('login', `${host} accepts the login and opens no session: ${error.message}.`, {
    next: ['MaxSessions and ForceCommand in its sshd_config, the shell of the account'],
  });
}

/**
 * Commands and connections over the system's ssh, for what ssh2 cannot do (Kerberos, FIDO keys, FIPS, ProxyCommand):
 * one login for the whole run, in a master of our own. It asks no questions but about unknown host keys, which the
 * verifier answers. As with `openSshChannel`, what is lost rejects with ChannelLost and is never repeated.
 */
export function openOpensshChannel(target: SshTarget, tools: OpensshPorts): Channel {
  safeName(target.host, 'the address of a machine');
  const host = target.name;
  const sessions = slots(MOST_SESSIONS);
  const masters = shared(host, (signal) => startMaster(target, tools, signal));

  async function run(command: string, signal: AbortSignal): Promise<Running> {
    const giveBack = await sessions.take(signal);
    try {
      const link = { master: await masters.get(signal), target };
      signal.throwIfAborted();
      const started = start(link, command);
      started.ended.then(giveBack, giveBack);
      return started;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  const again = async (error: unknown): Promise<void> => {
    if (!(error instanceof SessionRefused)) throw error;
    if (!(await sessions.refused())) throw noSession(host, error);
  };

  /** ssh says nothing when a session is open, so the command's own shell does, on its standard error. */
  async function openOne(command: string, signal: AbortSignal): Promise<ExecStream> {
    const mark = `rrb-open-${randomBytes(12).toString('hex')}`;
    const started = await run(`printf '%s\\n' ${mark} >&2; ${command}`, signal);
    const { stderr, seen } = withoutMark(started.stderr, `${mark}\n`);
    const stream = asStream({ ...started, stderr }, signal);
    await Promise.race([seen, started.ended]);
    return stream;
  }

  async function queued<T>(once: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const done = await once();
        sessions.opened();
        return done;
      } catch (error) {
        await again(error);
      }
    }
  }

  return {
    host,
    exec: (command, options, signal) => queued(async () => runToEnd(await run(command, signal), options, signal)),
    open: (command, signal) => queued(() => openOne(command, signal)),
    // `ssh -W PATH` came with 9.4 only, and the older ones take a path for a host.
    forward: async (address, port, signal) => {
      if (port === 0) throw forwardRefused(host, address, port, 'not supported by the ssh of this machine');
      return forward({ master: await masters.get(signal), target }, address, port, signal);
    },
    mayHavePassword: (signal) => tools.verify.mayHavePassword(target, signal),
    onCrowd: (tell) => sessions.onCrowd(tell),
    close: () => masters.close(),
  };
}

/** A command's standard error without the line that says that it runs; `seen` resolves when that line came. */
function withoutMark(stderr: Readable, mark: string): { readonly stderr: Readable; readonly seen: Promise<void> } {
  const rest = new PassThrough();
  const seen = new Promise<void>((resolve) => {
    let before: Buffer | undefined = Buffer.alloc(0);
    const flush = (bytes: Uint8Array) => {
      before = undefined;
      rest.write(bytes);
    };
    stderr.on('data', (chunk: Buffer) => {
      if (before === undefined) return void rest.write(chunk);
      before = Buffer.concat([before, chunk]);
      const at = before.indexOf(mark);
      if (at < 0 && before.length < MOST_BEFORE_MARK_BYTES) return;
      if (at >= 0) resolve();
      flush(at < 0 ? before : Buffer.concat([before.subarray(0, at), before.subarray(at + mark.length)]));
    });
    stderr.once('close', () => {
      if (before !== undefined) flush(before);
      rest.end();
    });
  });
  return { stderr: rest, seen };
}
