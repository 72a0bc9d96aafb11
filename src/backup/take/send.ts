import { nodeAt } from '../../execute/node.js';
import type { Packing } from '../../hosts/host.js';
import type { BackupFile } from '../../model/backup.js';
import type { RdbSeen } from '../rdb-seen.js';
import type { BackupWriter, StoredFile } from '../repository/repository.js';
import { type Counted, type CountedFile, countHeld, isCounted, isRdbAlone } from './count-held.js';
import type { Held, HeldFile } from './held-files.js';
import { type Noted, noteOf } from './noted.js';
import { until } from './reach.js';
import { type Arrived, packedPath, provesItself, readPacked, readStored, refuseOther } from './receive.js';
import { receiveAgain } from './receive-again.js';
import type { TakeRequest } from './request.js';
import type { TakeTools } from './take-tools.js';

/** What is in the repository of what was held. */
export interface Sent {
  readonly held: Held;
  readonly data: readonly BackupFile[];
  readonly rdb: RdbSeen | undefined;
  /** What arrived now, and was read back on the way. */
  readonly stored: readonly StoredFile[];
}

/**
 * Sends the files and proves that they came as they are held: append-only files by what their host counts meanwhile, an RDB by its
 * own checksum, and by its host's count where it has none. What is known then is noted: whoever goes on can tell that it is still the same.
 */
export async function sendAndProve(
  request: TakeRequest,
  noted: Noted,
  writer: BackupWriter,
  tools: TakeTools,
): Promise<Sent> {
  const { reach } = tools;
  const { id } = request.node;
  const over = new AbortController();
  const own = until(reach, over.signal);
  const note = async (held: Counted): Promise<Counted> => {
    if (!isCounted(noted.held)) await writer.note(noteOf({ ...noted, held }));
    return held;
  };
  const isSentFirst = isCounted(noted.held) || isRdbAlone(noted.held);
  const counting = isSentFirst ? Promise.resolve(undefined) : countHeld(own, id, noted.held).then(note);
  const sending = sendData(request, noted.held, writer, { ...tools, reach: own });
  try {
    const [counted, sent] = await Promise.all([counting, sending]);
    const held: Counted = counted ?? (await countHeld(own, id, known(noted.held, sent)).then(note));
    return await compared(request, held, sent, writer, reach);
  } catch (error) {
    over.abort(error);
    await Promise.allSettled([counting, sending]);
    throw error;
  }
}

/** What needs no count of its host any more has that of what arrived. */
function known(held: Held, sent: readonly Arrived[]): Held {
  const files = held.files.map((file, index) => {
    const arrived = sent[index];
    const isKnown = file.sha256 === undefined && arrived !== undefined && provesItself(file, arrived);
    return isKnown ? { ...file, sha256: arrived.plain.sha256 } : file;
  });
  return { ...held, files };
}

async function compared(
  request: TakeRequest,
  held: Counted,
  sent: readonly Arrived[],
  writer: BackupWriter,
  reach: TakeTools['reach'],
): Promise<Sent> {
  const { host } = nodeAt(reach, request.node.id);
  const data: BackupFile[] = [];
  for (const [index, file] of held.files.entries()) {
    const arrived = sent[index];
    if (arrived === undefined) throw new Error(`${file.path} was not sent`);
    await refuseOther(file, arrived, host.entry.name, writer);
    data.push(dataFile(file, arrived));
  }
  const stored = sent.flatMap((arrived) => (arrived.isNew ? [arrived.stored] : []));
  return { held, data, rdb: sent.find(({ rdb }) => rdb !== undefined)?.rdb, stored };
}

/** A held file, as a manifest names it. */
function dataFile(file: CountedFile, { stored, plain, how }: Arrived): BackupFile {
  const compressed = { how, plainBytes: plain.sizeBytes, plainSha256: plain.sha256 };
  return {
    path: stored.path,
    role: file.role,
    sizeBytes: stored.sizeBytes,
    sha256: stored.sha256,
    from: file.from,
    mode: file.mode,
    owner: file.owner,
    ...(file.sequence === undefined ? {} : { sequence: file.sequence }),
    ...(how === undefined ? {} : { compressed: { ...compressed, how } }),
  };
}

/** Sends what is not there yet; in the order of the held files. */
async function sendData(
  request: TakeRequest,
  held: Held,
  writer: BackupWriter,
  tools: TakeTools,
): Promise<readonly Arrived[]> {
  const { named } = nodeAt(tools.reach, request.node.id);
  const sent: Arrived[] = [];
  for (const file of held.files) {
    const there = await arrivedBefore(writer, file);
    if (there !== undefined) tools.tell(`${file.path} is there already`);
    sent.push(there ?? (await receiveAgain(named, file, request, writer, tools)));
  }
  return sent;
}

/** What an earlier try of this backup stored, when it is what its host holds; anything else is dropped. */
async function arrivedBefore(writer: BackupWriter, file: HeldFile): Promise<Arrived | undefined> {
  for (const how of [undefined, 'zstd', 'gzip'] as const) {
    const path = packedPath(file.path, how);
    const stored = writer.finished.find((each) => each.path === path);
    if (stored === undefined) continue;
    const arrived = await readBefore(writer, file, stored, how).catch(() => undefined);
    if (arrived !== undefined && isThat(file, arrived)) return arrived;
    await writer.drop(path);
  }
  return undefined;
}

function isThat(file: HeldFile, arrived: Arrived): boolean {
  return file.sha256 === undefined ? provesItself(file, arrived) : arrived.plain.sha256 === file.sha256;
}

async function readBefore(
  writer: BackupWriter,
  file: HeldFile,
  stored: StoredFile,
  how: Packing | undefined,
): Promise<Arrived> {
  const isRdb = file.role === 'rdb';
  if (how !== undefined) return { stored, how, isNew: false, ...(await readPacked(writer, stored.path, how, isRdb)) };
  const rdb = isRdb ? await readStored(writer, stored.path) : undefined;
  return { stored, plain: stored, how, isNew: false, ...(rdb === undefined ? {} : { rdb }) };
}
