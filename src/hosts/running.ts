import { type Readable, Writable } from 'node:stream';
import type { ExecOptions, ExecResult, ExecStream } from './channel.js';
import { onAbort } from './reading.js';

/** A command that was started, whichever way it runs. */
export interface Running {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command has ended and both outputs are closed; rejects with ChannelLost. */
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>;
  /** Ends the command and everything that it started, as far as the host allows; may be called often. */
  kill(): void;
}

/** How long an ended command may take to be gone before its answer is given without it. */
const GRACE_MS = 1000;
const STDERR_LIMIT_BYTES = 64 * 1024;
/** What a stream may hold in memory before its source is paused. */
const PAUSE_BYTES = 1024 * 1024;

/** Errors are words; a host that floods them fills no memory. */
const MOST_STDERR_BYTES = 1024 * 1024;

const MOST_DROPPED_BYTES = 256 * 1024;

/** Calls `otherwise` when a stream's first bytes do not hold the text. */
function expectAtFirst(stream: Readable, begins: NonNullable<ExecOptions['begins']>, otherwise: () => void): void {
  let first = Buffer.alloc(0);
  const look = (chunk: Uint8Array) => {
    first = Buffer.concat([first, chunk]);
    const isThere = first.includes(begins.text);
    if (!isThere && first.length < begins.withinBytes) return;
    stream.off('data', look);
    if (!isThere) otherwise();
  };
  stream.on('data', look);
}

/**
 * Keeps the first `limitBytes` of a stream; `onFull` is called when there is more. A little of the rest, and of what
 * comes once it is cut, is read and dropped, so that the end is seen; then the stream is paused, so that one without an end costs nothing.
 */
function keepFirst(stream: Readable, limitBytes: number, onFull: () => void, isCut = () => false): () => Buffer {
  let bytes = Buffer.alloc(0);
  let size = 0;
  let dropped = 0;
  stream.on('data', (chunk: Uint8Array) => {
    const kept = isCut() ? 0 : Math.min(limitBytes - size, chunk.length);
    // One buffer that grows: the chunks of a large answer are free as soon as they were read.
    if (size + kept > bytes.length) bytes = grown(bytes, size + kept, limitBytes);
    bytes.set(chunk.subarray(0, kept), size);
    size += kept;
    dropped += chunk.length - kept;
    if (chunk.length > kept && !isCut()) onFull();
    if (dropped > MOST_DROPPED_BYTES) stream.pause();
  });
  stream.on('error', () => undefined);
  return () => {
    const kept = bytes.subarray(0, size);
    // The stream may live on, paused: it holds nothing of what was given away.
    bytes = Buffer.alloc(0);
    size = limitBytes;
    return kept;
  };
}

/** In large steps: zeroed memory that nobody touched costs nothing, a copy does. */
function grown(bytes: Buffer, neededBytes: number, limitBytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(Math.min(limitBytes, Math.max(neededBytes, 8 * bytes.length, 4096)));
  larger.set(bytes);
  return larger;
}

/** Resolves when the command was ended by us and the grace is over, whether or not the other side has said so. */
function endedByUs(): { readonly over: Promise<undefined>; begin(): void; cancel(): void } {
  let give: (value: undefined) => void = () => undefined;
  const over = new Promise<undefined>((resolve) => {
    give = resolve;
  });
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer ??= setTimeout(() => give(undefined), GRACE_MS);
  };
  return { over, begin, cancel: () => clearTimeout(timer) };
}

/**
 * Runs a started command to its end within its limits. Over a limit the command is ended and the answer says so; when
 * `signal` ends, the command is ended and the promise rejects with the signal's reason. Rejects with ChannelLost.
 */
export async function runToEnd(running: Running, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
  const ours = endedByUs();
  let timedOut = false;
  let tooLarge = false;
  const end = () => {
    running.kill();
    ours.begin();
  };
  const full = () => {
    tooLarge = true;
    end();
  };
  const stdout = keepFirst(running.stdout, options.limitBytes, full, () => tooLarge);
  const stderr = keepFirst(running.stderr, Math.min(options.limitBytes, MOST_STDERR_BYTES), full);
  if (options.begins) expectAtFirst(running.stdout, options.begins, full);
  running.stdin.on('error', () => undefined);
  running.stdin.end(options.stdin ?? new Uint8Array());
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  const forget = onAbort(signal, end);
  try {
    const how = await Promise.race([running.ended, ours.over]);
    signal.throwIfAborted();
    const { status, signal: killedBy } = how ?? { status: null, signal: null };
    return { status, signal: killedBy, stdout: stdout(), stderr: stderr(), timedOut, tooLarge };
  } finally {
    clearTimeout(timer);
    ours.cancel();
    forget();
  }
}

/** Reads ahead of a stream, its source paused while nobody takes; begins at once, so that small outputs never block. */
function readAhead(stream: Readable): () => Promise<Uint8Array | undefined> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let over = false;
  let wake: () => void = () => undefined;
  stream.on('data', (chunk: Uint8Array) => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes >= PAUSE_BYTES) stream.pause();
    wake();
  });
  for (const event of ['end', 'close', 'error']) {
    stream.on(event, () => {
      over = true;
      wake();
    });
  }
  return async () => {
    while (waiting.length === 0 && !over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const chunk = waiting.shift();
    bytes -= chunk?.length ?? 0;
    if (bytes < PAUSE_BYTES / 2 && stream.isPaused()) stream.resume();
    return chunk;
  };
}

/** The chunks until the command has ended; throws when it was cut, so that half a file never looks whole. */
async function* output(
  take: () => Promise<Uint8Array | undefined>,
  ended: Promise<unknown>,
  leave: () => void,
): AsyncGenerator<Uint8Array> {
  let whole = false;
  try {
    for (let chunk = await take(); chunk !== undefined; chunk = await take()) yield chunk;
    whole = true;
    await ended;
  } finally {
    if (!whole) leave();
  }
}

/** A writer that fails when the command has ended: ssh2 would let it wait for ever. */
function guarded(running: Running): Writable {
  const inner = running.stdin;
  const outer = new Writable({
    highWaterMark: 256 * 1024,
    write: (chunk: Uint8Array, _encoding, done) => {
      inner.write(chunk, (error) => done(error));
    },
    final: (done) => {
      inner.end();
      done();
    },
  });
  inner.on('error', (error) => outer.destroy(error));
  outer.on('error', () => undefined);
  const stop = (why: Error) => {
    if (!outer.writableFinished) outer.destroy(why);
  };
  running.ended.then(
    () => stop(Object.assign(new Error('the command has ended and reads no more'), { code: 'EPIPE' })),
    (error: unknown) => stop(error instanceof Error ? error : new Error(String(error))),
  );
  return outer;
}

/** A started command as streams; it is ended when `signal` ends or when its output is left before the end. */
export function asStream(running: Running, signal: AbortSignal): ExecStream {
  const stderr = keepFirst(running.stderr, STDERR_LIMIT_BYTES, () => undefined);
  const ours = endedByUs();
  const end = () => {
    running.kill();
    ours.begin();
  };
  const forget = onAbort(signal, end);
  const ended = Promise.race([running.ended, ours.over])
    .then((how) => {
      signal.throwIfAborted();
      return { status: how?.status ?? null, stderr: stderr().toString('utf8') };
    })
    .finally(() => {
      forget();
      ours.cancel();
    });
  ended.catch(() => undefined);
  const take = readAhead(running.stdout);
  const onStderr: ExecStream['onStderr'] = (listen) => void running.stderr.on('data', listen);
  return { stdin: guarded(running), stdout: output(take, ended, end), ended, onStderr, kill: end };
}
