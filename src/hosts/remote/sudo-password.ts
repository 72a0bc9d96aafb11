import type { Secret } from '../../model/secret.js';
import { type Channel, ChannelLost, type ExecOptions, type ExecResult, type ExecStream } from '../channel.js';
import { onAbort } from '../reading.js';
import { shellLine } from '../shell-quote.js';
import { rootShell } from './root-commands.js';
import type { Script } from './run-as.js';

/** One use of a password: sudo's prompt is `prompt`, and the script says `ready` before anything else. Both are new each time. */
export interface Asked {
  readonly password: Secret;
  readonly prompt: string;
  readonly ready: string;
  /** `sudo -S -p PROMPT`, quoted. */
  readonly sudo: string;
}

interface Refused {
  readonly refused: string;
}

/** Time for sudo to ask, and to say yes or no (PAM waits some seconds after a wrong password). */
const SUDO_TIMEOUT_MS = 20_000;
const MOST_SAID_BYTES = 64 * 1024;

/**
 * sudo's prompt comes with standard output, where it can be watched; the script's own standard error is held back and
 * follows at the end behind the mark, so that the output stays exact.
 */
const FRAMED = `mark=$1 script=$2; shift 2
printf '%s\\n' "$mark"
exec 3>&1
said=$( { { /bin/sh -c "$script" sh "$@" 2>&1 >&3 3>&-; printf '\\n%d' "$?"; } | tail -c 65536; } )
printf '\\n%s%s' "$mark" "$said"`;

/** A stream has no end that could be told from its content: what is said there is dropped, the status tells. */
const STREAMED = `mark=$1 script=$2; shift 2
printf '%s\\n' "$mark"
exec 2> /dev/null /bin/sh -c "$script" sh "$@"`;

function lineOf(frame: string, { script, args }: Script, asked: Asked): string {
  return `${asked.sudo} ${shellLine([rootShell, '-c', frame, 'sh', asked.ready, script, ...args])} 2>&1`;
}

function countOf(text: string, word: string): number {
  return text.split(word).length - 1;
}

/**
 * Reads until the script says that it runs. The password is written when sudo's own prompt was seen, once: sudo reads
 * exactly that line, and where it asks nothing (a ticket, NOPASSWD) it is never written, so that no command can take it
 * for its input. Gives back what came after the mark, or why sudo refused.
 */
async function enter(
  stream: ExecStream,
  output: AsyncIterator<Uint8Array>,
  asked: Asked,
): Promise<Uint8Array | Refused> {
  let said = Buffer.alloc(0);
  let sent = false;
  const mark = Buffer.from(`${asked.ready}\n`);
  for (;;) {
    const next = await output.next();
    const text = said.toString('latin1');
    if (next.done) return { refused: text.replaceAll(asked.prompt, '').trim().split('\n').at(-1) ?? '' };
    said = Buffer.concat([said, next.value]);
    const at = said.indexOf(mark);
    if (at >= 0) return said.subarray(at + mark.length);
    const prompts = countOf(said.toString('latin1'), asked.prompt);
    if (prompts > 1) return { refused: 'the password was not accepted' };
    if (said.length > MOST_SAID_BYTES) return { refused: 'sudo said more than 64 KiB' };
    if (prompts === 1 && !sent) {
      sent = true;
      asked.password.reveal((password) => stream.stdin.write(`${password}\n`));
    }
  }
}

/** `enter` with its own limit; the stream is ended when there is no way in. */
async function entered(
  stream: ExecStream,
  output: AsyncIterator<Uint8Array>,
  asked: Asked,
): Promise<Uint8Array | Refused> {
  let late: (refused: Refused) => void = () => undefined;
  const over = new Promise<Refused>((resolve) => {
    late = resolve;
  });
  const timer = setTimeout(() => late({ refused: 'sudo asked nothing that could be answered' }), SUDO_TIMEOUT_MS);
  try {
    const first = await Promise.race([over, enter(stream, output, asked)]);
    if ('refused' in first) stream.kill();
    return first;
  } finally {
    clearTimeout(timer);
  }
}

async function* following(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (;;) {
    const next = await rest.next();
    if (next.done) return;
    yield next.value;
  }
}

async function opened(channel: Channel, line: string, asked: Asked, signal: AbortSignal) {
  const stream = await channel.open(line, signal);
  stream.stdin.on('error', () => undefined);
  stream.ended.catch(() => undefined);
  const output = stream.stdout[Symbol.asyncIterator]();
  const first = await entered(stream, output, asked);
  if ('refused' in first) return first;
  return { stream, stdout: following(first, output) };
}

/** Opens a script through sudo with the password; its streams carry the script's own bytes only. */
export async function openAfterPassword(
  channel: Channel,
  script: Script,
  asked: Asked,
  signal: AbortSignal,
): Promise<ExecStream | Refused> {
  const way = await opened(channel, lineOf(STREAMED, script, asked), asked, signal);
  if ('refused' in way) return way;
  const { stdin, ended } = way.stream;
  return { stdin, ended, stdout: way.stdout, kill: () => way.stream.kill() };
}

/** Output, standard error and status, as the frame gave them. */
function unframe(bytes: Buffer, asked: Asked) {
  const mark = `\n${asked.ready}`;
  const at = bytes.lastIndexOf(mark);
  const trailer = at < 0 ? '' : bytes.subarray(at + mark.length).toString('latin1');
  const status = /\n(\d+)$/.exec(trailer)?.[1];
  if (status === undefined) return undefined;
  const stderr = Buffer.from(trailer.slice(0, -status.length - 1), 'latin1');
  return { stdout: bytes.subarray(0, at), stderr, status: Number(status) };
}

async function collect(stdout: AsyncIterable<Uint8Array>, limitBytes: number) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdout) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) return { bytes: Buffer.concat(chunks), tooLarge: true };
  }
  return { bytes: Buffer.concat(chunks), tooLarge: false };
}

/** Runs a script through sudo with the password, to its end. Its input is written only when the script runs. */
export async function execAfterPassword(
  channel: Channel,
  script: Script,
  asked: Asked,
  options: ExecOptions,
  signal: AbortSignal,
): Promise<ExecResult | Refused> {
  const way = await opened(channel, lineOf(FRAMED, script, asked), asked, signal);
  if ('refused' in way) return way;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    way.stream.kill();
  }, options.timeoutMs);
  const forget = onAbort(signal, () => way.stream.kill());
  try {
    way.stream.stdin.end(options.stdin ?? '');
    const { bytes, tooLarge } = await collect(way.stdout, options.limitBytes + MOST_SAID_BYTES + 1024);
    if (tooLarge) way.stream.kill();
    signal.throwIfAborted();
    const none = { status: null, signal: null, stderr: new Uint8Array() };
    if (timedOut || tooLarge) return { ...none, stdout: bytes.subarray(0, options.limitBytes), timedOut, tooLarge };
    const whole = unframe(bytes, asked);
    if (whole === undefined) throw new ChannelLost(`${channel.host}: the answer ended early`);
    const cut = whole.stdout.length > options.limitBytes;
    return { ...whole, stdout: whole.stdout.subarray(0, options.limitBytes), signal: null, timedOut, tooLarge: cut };
  } finally {
    clearTimeout(timer);
    forget();
  }
}
