import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { childEnd, signalGroup, startChild } from '../child.js';
import { onAbort } from '../reading.js';
import { sshEnvironment } from '../ssh/config-source.js';
import { loginRefused, tooOld, unreachable, type Way } from '../ssh/connect-errors.js';
import type { SshHop, SshTarget } from '../ssh/target.js';
import type { HostKeyVerifier } from '../ssh/verifier.js';
import { masterArguments, type Strictness, type Via } from './arguments.js';

/** What the system's ssh needs; there is no connection without a verifier. */
export interface OpensshPorts {
  readonly verify: HostKeyVerifier;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A file instead of ~/.ssh/config and the system's, as `ssh -F`. */
  readonly configFile?: string;
}

/** The connection to a target: the socket of its master, and the environment for those that use it. */
export interface Master {
  readonly control: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Ends when the connection is lost or closed. */
  readonly lost: AbortSignal;
  /** The last words of the master: why a forwarded connection was refused stands only there. */
  lastWords(): string;
  close(): Promise<void>;
}

/** Ends ssh when our own end of the pipe is closed, so also when this process is killed: no master is left behind. */
const GUARD = `exec 3<&0
"$@" </dev/null 3<&- &
p=$!
{ cat <&3 >/dev/null; kill "$p" 2>/dev/null; } &
c=$!
exec 3<&-
wait "$p"
s=$?
kill "$c" 2>/dev/null
exit "$s"`;

const POLL_MS = 10;
const LOGIN_TIMEOUT_MS = 30_000;
const WORDS_BYTES = 16 * 1024;
/** sun_path holds 108 bytes; ssh adds a suffix of 17 while it makes the socket. */
const LONGEST_DIRECTORY = 70;

interface One {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null }>;
  words(): string;
}

function startSsh(args: readonly string[], environment: Readonly<Record<string, string>>): One {
  const child = startChild('/bin/sh', ['-c', GUARD, 'sh', 'ssh', ...args], environment);
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = `${words}${chunk.toString('utf8')}`.slice(-WORDS_BYTES);
    });
  }
  return { child, ended: childEnd(child), words: () => words };
}

/** Resolves with true when the socket is there (ssh makes it after the login), with false when ssh has ended. */
async function isUp(one: One, control: string, signal: AbortSignal): Promise<boolean> {
  let ended = false;
  one.ended.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOGIN_TIMEOUT_MS)]);
  while (!ended && !limit.aborted) {
    if (existsSync(control)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (!ended) signalGroup(one.child, 'SIGTERM');
  signal.throwIfAborted();
  return false;
}

const isKeyTrouble = /host key verification failed|host key is known|remote host identification/i;

/** ssh's own words as the error that a person reads. */
function failure(words: string, way: Way, isTarget: boolean): RunbookError {
  const lines = words.split('\n').flatMap((line) => line.trim() || []);
  const last = lines.at(-1) ?? 'ssh said nothing';
  if (/ssh: not found|: not found$/m.test(words))
    return new RunbookError('usage', 'transport openssh needs the program ssh, and it is not installed.', {
      next: ['transport: ssh   in fleet.yaml'],
    });
  const isLogin = /permission denied|too many authentication failures/i;
  if (isLogin.test(words))
    return loginRefused(way, isTarget, [lines.find((line) => isLogin.test(line)) ?? last], 'ssh was turned away');
  if (/no matching|unable to negotiate/i.test(words)) return tooOld(way, isTarget, last);
  if (isKeyTrouble.test(words))
    return new RunbookError('host-key', `ssh does not accept the key of ${way.name}.`, { facts: lines.slice(-6) });
  return unreachable(way, isTarget, last.replace(/\.$/, ''));
}

interface Step {
  readonly way: Way;
  readonly isTarget: boolean;
  readonly via: Via | undefined;
  readonly directory: string;
  readonly index: number;
  readonly ports: OpensshPorts;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function argumentsOf(step: Step, control: string, strictness: Strictness): readonly string[] {
  const { configFile } = step.ports;
  return masterArguments(step.way.hop, step.via, {
    control,
    strictness,
    ...(configFile === undefined ? {} : { configFile }),
  });
}

/** The key that the machine shows now, taken by ssh on the same way; undefined when it shows none. */
async function fetchKey(step: Step): Promise<Uint8Array | undefined> {
  const file = join(step.directory, `key-${step.index}`);
  const one = startSsh(argumentsOf(step, 'none', { fetchInto: file }), step.environment);
  const forget = onAbort(AbortSignal.any([step.signal, AbortSignal.timeout(LOGIN_TIMEOUT_MS)]), () =>
    signalGroup(one.child, 'SIGTERM'),
  );
  await one.ended.finally(forget);
  step.signal.throwIfAborted();
  const text = await readFile(file, 'utf8').catch(() => '');
  await rm(file, { force: true });
  const base64 = text.trim().split('\n').at(-1)?.split(' ')[2];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

/** Starts the master of one hop. A key that ssh refuses is judged, and asked about, by the verifier as everywhere. */
async function startHop(step: Step, isSecond = false): Promise<One & { readonly control: string }> {
  const control = join(step.directory, `c${step.index}`);
  const one = startSsh(argumentsOf(step, control, 'strict'), step.environment);
  if (await isUp(one, control, step.signal)) return { ...one, control };
  await one.ended;
  const key = isKeyTrouble.test(one.words()) && !isSecond ? await fetchKey(step) : undefined;
  if (key === undefined) throw failure(one.words(), step.way, step.isTarget);
  await step.ports.verify.verify(step.way, step.isTarget, key, step.signal);
  return startHop(step, true);
}

async function ownDirectory(): Promise<string> {
  const base = tmpdir();
  return mkdtemp(join(base.length > LONGEST_DIRECTORY ? '/tmp' : base, 'rrb-'));
}

async function endAll(masters: readonly One[], directory: string): Promise<void> {
  for (const { child } of [...masters].reverse()) {
    child.stdin?.destroy();
    signalGroup(child, 'SIGTERM');
  }
  await Promise.all(masters.map(({ ended }) => ended.catch(() => undefined)));
  await rm(directory, { recursive: true, force: true });
}

/**
 * Logs in to the target with the system's ssh: a master of our own for each hop, in a directory that only we may
 * enter. Rejects with RunbookError `unreachable`, `host-key`, `login`, `usage`, or with the signal's reason.
 */
export async function startMaster(target: SshTarget, ports: OpensshPorts, signal: AbortSignal): Promise<Master> {
  const directory = await ownDirectory();
  const environment = sshEnvironment(ports.environment ?? process.env);
  const masters: (One & { readonly control: string })[] = [];
  const hops: readonly SshHop[] = [...target.jumps, target];
  try {
    for (const [index, hop] of hops.entries()) {
      const before = masters.at(-1);
      const previous = hops[index - 1];
      const isTarget = hop === target;
      const own = isTarget && target.proxyCommand !== undefined ? { proxyCommand: target.proxyCommand } : undefined;
      const via = before !== undefined && previous !== undefined ? { control: before.control, hop: previous } : own;
      const way = { name: target.name, hop };
      masters.push(await startHop({ way, isTarget, via, directory, index, ports, environment, signal }));
    }
  } catch (error) {
    await endAll(masters, directory);
    throw error;
  }
  const last = masters.at(-1);
  if (last === undefined) throw new TypeError(`${target.name} has no hop`);
  const gone = new AbortController();
  let closed: Promise<void> | undefined;
  const close = () => {
    gone.abort();
    closed ??= endAll(masters, directory);
    return closed;
  };
  for (const { ended } of masters) ended.then(close, close);
  return { control: last.control, environment, lost: gone.signal, lastWords: last.words, close };
}
