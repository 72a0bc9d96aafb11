import { RunbookError } from '../../errors.js';
import type { Host, Packing } from '../../hosts/host.js';
import { codeOf } from '../../hosts/reading.js';
import { unpacksHere } from '../unpack.js';
import type { HeldFile } from './held-files.js';
import type { TakeRequest } from './request.js';
import type { TakeTools } from './take-tools.js';

/** Below this a measurement costs more than it could save. */
const WORTH_BYTES = 32n * 1024n * 1024n;
const SAMPLE_BYTES = 4n * 1024n * 1024n;
/** What must be won at least: the machine that serves pays for it with its processor. */
const GAIN = 1.3;
/** Above this nothing is tried: a machine packs about as fast as that (zstd -1 on an RDB: 104 to 147 MB a second). */
const FAST_BYTES_PER_SECOND = 100e6;

/** What a way of sending brings: bytes of the file each second, and bytes on the line for each byte of the file. */
export interface Measured {
  readonly bytesPerSecond: number;
  readonly onTheLine: number;
}

/**
 * How a held file is to be sent. `auto`: the beginning of this very file is sent both ways over the connection that will be
 * used, and the faster one wins by a third, a limit of the rate reckoned in. zstd, else gzip. Undefined = as it is. Rejects
 * with the system's error when the file cannot be read.
 */
export async function packingFor(
  host: Host,
  file: HeldFile,
  request: Pick<TakeRequest, 'compress' | 'bytesPerSecond'>,
  { reach, tell }: TakeTools,
): Promise<Packing | undefined> {
  const { compress, bytesPerSecond } = request;
  if (compress === 'none' || file.role === 'aof-manifest') return undefined;
  if (compress !== 'auto') return known(host, file, compress, reach.signal);
  if (host.entry.transport === 'local' || file.sizeBytes < WORTH_BYTES) return undefined;
  const { signal } = reach;
  const plain = await measured(host.stream(file.held, signal, 0n, SAMPLE_BYTES, 'gently'));
  if (rateOf(plain, bytesPerSecond) >= FAST_BYTES_PER_SECOND) return undefined;
  for (const how of ['zstd', 'gzip'] as const) {
    if (!(await unpacksHere(how))) continue;
    const packed = await measured(host.packed(file.held, how, SAMPLE_BYTES, signal)).catch(withoutIt);
    if (packed === undefined) continue;
    const gain = gainOf(plain, packed, bytesPerSecond);
    const says = `${how} makes ${Math.round(packed.onTheLine * 100)} % of it and sends it ${gain.toFixed(1)} times as fast`;
    tell(`${file.path}: ${says}: ${gain >= GAIN ? 'compressed on its host' : 'sent as it is'}`);
    return gain >= GAIN ? how : undefined;
  }
  return undefined;
}

async function measured(sample: AsyncIterable<Uint8Array>): Promise<Measured> {
  const asked = performance.now();
  let began = asked;
  let first = 0;
  let sent = 0;
  for await (const chunk of sample) {
    if (sent === 0) [began, first] = [performance.now(), chunk.length];
    sent += chunk.length;
  }
  const ended = performance.now();
  const share = sent === 0 ? 0 : (sent - first) / sent;
  // The first chunk waited for the session to begin, which a large file does not feel; one that is nearly all says nothing else.
  const [bytes, milliseconds] =
    share > 0.5 ? [Number(SAMPLE_BYTES) * share, ended - began] : [Number(SAMPLE_BYTES), ended - asked];
  const bytesPerSecond = (bytes / Math.max(milliseconds, 1)) * 1000;
  return { bytesPerSecond, onTheLine: sent / Number(SAMPLE_BYTES) };
}

/**
 * How many times as fast the packed way is; never more than the bytes that it spares: what a sample shows above that is a
 * connection that was slow for a moment.
 */
export function gainOf(plain: Measured, packed: Measured, limit: number | undefined): number {
  return Math.min(rateOf(packed, limit) / rateOf(plain, limit), 1 / Math.max(packed.onTheLine, 0.001));
}

function rateOf({ bytesPerSecond, onTheLine }: Measured, limit: number | undefined): number {
  return limit === undefined ? bytesPerSecond : Math.min(bytesPerSecond, limit / Math.max(onTheLine, 0.001));
}

/** The program that was asked for. Rejects with RunbookError `backup-failed` when the host, or this machine for reading it back, does not have it. */
async function known(host: Host, file: HeldFile, how: Packing, signal: AbortSignal): Promise<Packing> {
  if (!(await unpacksHere(how))) throw lacks('This machine', how);
  const tried = await measured(host.packed(file.held, how, 1n, signal)).catch(withoutIt);
  if (tried !== undefined || !(await host.stat(file.held)).ok) return how;
  throw lacks(host.entry.name, how);
}

function lacks(where: string, how: Packing): RunbookError {
  return new RunbookError('backup-failed', `${where} has no program ${how}.`, {
    next: [`redis-runbook backup create --compress ${how === 'zstd' ? 'gzip' : 'none'}`, `install ${how} on it`],
  });
}

/** A host without the program. */
function withoutIt(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}
