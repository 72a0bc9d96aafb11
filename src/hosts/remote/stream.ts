import type { ExecStream } from '../channel.js';
import type { Packing } from '../host.js';
import { onAbort } from '../reading.js';
import { READ } from './file-scripts.js';
import { atNamedPath, type NamedBy } from './run-as.js';
import { failureOf } from './script.js';
import type { Shell } from './sudo.js';

const SMALL_BYTES = 256 * 1024;
const SMALL_TIMEOUT_MS = 10_000;

async function endOf(stream: ExecStream, path: string): Promise<void> {
  const { status, stderr } = await stream.ended;
  if (status === 0) return;
  const bytes = new TextEncoder().encode(stderr);
  const none = { signal: null, stdout: new Uint8Array(), timedOut: false, tooLarge: false };
  throw failureOf({ ...none, status, stderr: bytes }, path);
}

/** Most files are small, and a session of their own costs more than they do: undefined for the others. */
async function allWhenSmall(
  shell: Shell,
  range: readonly [fromByte: bigint, toByte: bigint | undefined],
  path: string,
  signal: AbortSignal,
  by: NamedBy | undefined,
): Promise<Uint8Array | undefined> {
  const [fromByte, toByte] = range;
  const lengthBytes = toByte === undefined ? BigInt(SMALL_BYTES + 1) : toByte - fromByte;
  if ((toByte === undefined && fromByte > 0n) || lengthBytes <= 0n || lengthBytes > SMALL_BYTES + 1) return undefined;
  const options = { timeoutMs: SMALL_TIMEOUT_MS, limitBytes: SMALL_BYTES + 1 };
  const script = atNamedPath(by, READ.part, path, 'follow', String(fromByte), String(lengthBytes), '');
  const result = await shell.exec(script, options, signal);
  if (result.status !== 0 || result.timedOut || result.stdout.length > SMALL_BYTES) return undefined;
  return result.stdout;
}

/**
 * A file of the host from `fromByte` to `toByte` (exclusive), as it comes over the wire: nothing is collected. Throws
 * the system's error, ChannelLost when the connection ends, and the signal's reason.
 */
export async function* streamFrom(
  shell: Shell,
  path: string,
  signal: AbortSignal,
  fromByte = 0n,
  toByte?: bigint,
  by?: NamedBy,
  pace?: 'gently',
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const small = await allWhenSmall(shell, [fromByte, toByte], path, signal, by);
  if (small !== undefined) {
    if (small.length > 0) yield small;
    return;
  }
  const length = toByte === undefined ? '' : String(toByte > fromByte ? toByte - fromByte : 0n);
  yield* output(shell, atNamedPath(by, READ.part, path, 'follow', String(fromByte), length, pace ?? ''), path, signal);
}

/** The first bytes of a file of the host, compressed there; as `streamFrom`. */
export async function* packedFrom(
  shell: Shell,
  path: string,
  how: Packing,
  lengthBytes: bigint,
  signal: AbortSignal,
  by?: NamedBy,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  yield* output(shell, atNamedPath(by, READ.packed, path, 'follow', String(lengthBytes), how), path, signal);
}

async function* output(
  shell: Shell,
  script: ReturnType<typeof atNamedPath>,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stream = await shell.open(script, signal);
  stream.stdin.on('error', () => undefined);
  stream.stdin.end();
  const forget = onAbort(signal, () => stream.kill());
  let whole = false;
  try {
    for await (const chunk of stream.stdout) {
      signal.throwIfAborted();
      yield chunk;
    }
    whole = true;
  } finally {
    forget();
    if (!whole) {
      stream.ended.catch(() => undefined);
      stream.kill();
    }
  }
  signal.throwIfAborted();
  await endOf(stream, path);
}
