import { randomBytes } from 'node:crypto';
import { type Channel, ChannelLost, type ExecOptions, type ExecResult, type ExecStream } from '../channel.js';
import { onAbort } from '../reading.js';
import { shellQuote } from '../shell-quote.js';

/** What a mark, a status of three digits and two newlines take at most. */
const TAIL_BYTES = 64;
const STDERR_LIMIT_BYTES = 64 * 1024;
/** What start files may say before a script; what says more will not come to its end. */
const MOST_BEFORE_BYTES = 1024 * 1024;

/** One shell line, or an argument list whose long words a standing shell remembers: the next time their names are enough. */
export type Command = string | readonly string[];

interface Script {
  readonly command: Command;
  readonly options: ExecOptions;
  readonly signal: AbortSignal;
}

/** How a script on a standing shell ended; `isSpent`: the shell takes no other one. */
export interface Ended {
  readonly result: ExecResult;
  readonly isSpent: boolean;
}

/** A shell on a host that runs one script after another: one session, one login shell and one sudo for all of them. */
export interface StandingShell {
  /** One at a time. Rejects with ChannelLost when it is not known how the script ended, or with the signal's reason; the shell is spent then. */
  run(script: Script): Promise<Ended>;
  /** Resolves when the shell is gone, whatever ended it: a lost connection, `close`, itself. */
  readonly over: Promise<void>;
  close(): void;
}

/** Bytes from the first mark on, and whether they end with the mark and a status. */
function collector(mark: string, limitBytes: number) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let beforeBytes = 0;
  let tail = Buffer.alloc(0);
  let before: Buffer | undefined = Buffer.alloc(0);
  const begin = `\n${mark}\n`;
  const end = `\n${mark} `;
  const add = (chunk: Uint8Array) => {
    if (before !== undefined) return skip(chunk);
    if (size <= limitBytes + TAIL_BYTES) chunks.push(chunk);
    size += chunk.length;
    tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
  };
  // The start files of a login shell may have said something before.
  const skip = (chunk: Uint8Array) => {
    beforeBytes += chunk.length;
    const all: Buffer = Buffer.concat([before ?? Buffer.alloc(0), chunk]);
    const at = all.indexOf(begin);
    before = at < 0 ? all.subarray(-begin.length) : undefined;
    if (at >= 0) add(all.subarray(at + begin.length));
  };
  return {
    add,
    isTooLarge: () => size > limitBytes + TAIL_BYTES || (before !== undefined && beforeBytes > MOST_BEFORE_BYTES),
    status: () => {
      const text = tail.toString('latin1');
      const at = text.endsWith('\n') ? text.lastIndexOf(end) : -1;
      const status = at < 0 ? '' : text.slice(at + end.length, -1);
      return /^\d+$/.test(status) ? status : undefined;
    },
    bytes: (withoutBytes = 0) => Buffer.concat(chunks).subarray(0, Math.min(limitBytes, size - withoutBytes)),
    size: () => size,
  };
}

/** Bytes as the format of printf(1): each that is no plain letter of a quoted word in octal. */
function printfFormat(bytes: Uint8Array): string {
  let format = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x27 && byte !== 0x5c;
    format += isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return format;
}

/**
 * The mark is new for each script and comes before and after it on both outputs: nothing that a script prints can be
 * taken for its end. An input is written by the shell itself into a pipe: no heredoc, which some shells keep in a file.
 */
function framed(line: string, mark: string, stdin: Uint8Array | undefined): string {
  const begin = `printf '\\n${mark}\\n'; printf '\\n${mark}\\n' >&2; `;
  const end = `; printf '\\n${mark} %d\\n' "$?"; printf '\\n${mark} 0\\n' >&2\n`;
  if (stdin === undefined) return `${begin}${line} < /dev/null${end}`;
  return `${begin}printf '${printfFormat(stdin)}' | ${line}${end}`;
}

/** A word that is shorter is sent each time. */
const LONG_WORD = 512;
/** What a shell remembers at most. */
const MOST_WORDS_BYTES = 256 * 1024;

/**
 * Gives commands as lines for one shell. A long word (our scripts, which are the same again and again) is given a name
 * there with its first use; what was sent to a shell that is not spent was run by it.
 */
function rememberingWords(): (command: Command) => { readonly names: string; readonly line: string } {
  const known = new Map<string, string>();
  let size = 0;
  return (command) => {
    if (typeof command === 'string') return { names: '', line: command };
    let names = '';
    const words = command.map((word) => {
      if (word.length < LONG_WORD) return shellQuote(word);
      const name = known.get(word);
      if (name !== undefined) return `"$${name}"`;
      size += word.length;
      if (size > MOST_WORDS_BYTES) return shellQuote(word);
      const made = `rrb_word_${known.size}`;
      known.set(word, made);
      names += `${made}=${shellQuote(word)}; `;
      return `"$${made}"`;
    });
    return { names, line: words.join(' ') };
  };
}

/** Opens a standing shell by a command that is a POSIX shell reading its input. Rejects as `Channel.open`. */
export async function openStandingShell(channel: Channel, command: string): Promise<StandingShell> {
  const life = new AbortController();
  const stream = await channel.open(command, life.signal);
  stream.stdin.on('error', () => undefined);
  const ended = stream.ended.then(
    ({ status, stderr }) => ({ status, stderr }),
    (error: unknown) => ({ error }),
  );
  const output = stream.stdout[Symbol.asyncIterator]();
  let toStderr: (chunk: Uint8Array) => void = () => undefined;
  stream.onStderr((chunk) => toStderr(chunk));
  let scripts = 0;
  const inWords = rememberingWords();

  async function run({ command: asked, options, signal }: Script): Promise<Ended> {
    scripts += 1;
    const isFirst = scripts === 1;
    const mark = `rrb-${randomBytes(12).toString('hex')}`;
    const stdout = collector(mark, options.limitBytes);
    const stderr = collector(mark, STDERR_LIMIT_BYTES);
    let wake: () => void = () => undefined;
    const stderrEnded = new Promise<void>((resolve) => {
      wake = resolve;
    });
    toStderr = (chunk) => {
      stderr.add(chunk);
      if (stderr.status() !== undefined) wake();
    };
    const limit = overAt(options.timeoutMs, signal);
    try {
      const { names, line } = inWords(asked);
      stream.stdin.write(names + framed(line, mark, options.stdin));
      while (stdout.status() === undefined) {
        const next = await Promise.race([output.next(), limit.over]);
        if (next === 'aborted') throw signal.reason;
        if (next === 'late') return spent(stdout.bytes(), { timedOut: true });
        if (next.done) return await gone(stdout.bytes(), isFirst);
        stdout.add(next.value);
        if (stdout.isTooLarge()) return spent(stdout.bytes(), { tooLarge: true });
      }
      const rest = await Promise.race([stderrEnded, ended.then(() => 'gone' as const), limit.over]);
      if (rest !== undefined) return await gone(stdout.bytes(), false);
      return answered(stdout, stderr, mark);
    } catch (error) {
      close();
      throw error;
    } finally {
      limit.forget();
    }
  }

  function spent(bytes: Uint8Array, why: { readonly timedOut?: true; readonly tooLarge?: true }): Ended {
    close();
    const { timedOut = false, tooLarge = false } = why;
    const none = { status: null, signal: null, stderr: new Uint8Array() };
    return { result: { ...none, stdout: bytes, timedOut, tooLarge }, isSpent: true };
  }

  /** A shell that ends before its first script was refused one (sudo): what it said is the answer. */
  async function gone(stdout: Uint8Array, isFirst: boolean): Promise<Ended> {
    const how = await ended;
    if ('error' in how) throw how.error;
    if (!isFirst || how.status === null || how.status === 0) {
      throw new ChannelLost(`the shell on ${channel.host} has ended: whether the command had its effect is not known`);
    }
    const bytes = new TextEncoder().encode(how.stderr);
    const none = { signal: null, timedOut: false, tooLarge: false };
    return { result: { ...none, status: how.status, stdout, stderr: bytes }, isSpent: true };
  }

  function close(): void {
    stream.kill();
    life.abort(new ChannelLost(`the shell on ${channel.host} was closed`));
  }

  return { run, over: ended.then(() => undefined), close: () => leave(stream, close) };
}

type Collected = ReturnType<typeof collector>;

function answered(stdout: Collected, stderr: Collected, mark: string): Ended {
  const status = stdout.status() ?? '';
  const markBytes = mark.length + 3;
  const lengthBytes = stdout.size() - markBytes - status.length;
  const result = {
    status: Number(status),
    signal: null,
    stdout: stdout.bytes(markBytes + status.length),
    stderr: stderr.bytes(markBytes + 1),
    timedOut: false,
  };
  return { result: { ...result, tooLarge: stdout.bytes().length < lengthBytes }, isSpent: false };
}

/** An idle shell ends by itself when its input does. */
function leave(stream: ExecStream, close: () => void): void {
  stream.stdin.end();
  stream.ended.then(close, close);
}

function overAt(timeoutMs: number, signal: AbortSignal) {
  let end: (how: 'late' | 'aborted') => void = () => undefined;
  const over = new Promise<'late' | 'aborted'>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(() => end('late'), timeoutMs);
  const forget = onAbort(signal, () => end('aborted'));
  return {
    over,
    forget: () => {
      clearTimeout(timer);
      forget();
    },
  };
}
