import { dirname, join } from 'node:path';
import type { UploadFile } from '../../hosts/host.js';
import type { ActionOf, RestoredFile } from '../../model/plan.js';
import { nodeAt } from '../node.js';
import { holdsFile, refuseOtherPlace, restoreDirectories } from '../restore-place.js';
import { telling } from '../telling.js';
import type { ActionModule, At } from '../tools.js';

type Send = ActionOf<'data.send'>;

/** For what is told while it goes; a slow line is no reason to give up. */
const LIMIT_MS = 24 * 60 * 60_000;
const MB = 1_000_000n;

/**
 * Brings the files of the backup to the run's directory beside the data: streamed, and read back from the host's disk
 * with the manifest's hash before they have their names. What an earlier try brought is not brought again.
 */
export const dataSend: ActionModule<'data.send'> = {
  changes: false,
  undo: { none: 'a copy that no server loads' },
  until: ['data.place'],
  look: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const { sent } = restoreDirectories(action.place, at.tools.run);
    for (const file of action.files) {
      if (!(await holdsFile(host, join(sent, file.to), file, at.signal)))
        return { state: 'not-done', says: `${file.to} is not there yet` };
    }
    return { state: 'done', says: 'the files of the backup are there, with their hashes' };
  },
  act: async (action, at) => {
    await refuseOtherPlace(at, action.node, action.place);
    await refuseNoDirectory(action, at);
    const total = action.files.reduce((sum, file) => sum + file.sizeBytes, 0n);
    let sentBytes = 0n;
    const progress = async () => `${sentBytes / MB} of ${total / MB} MB`;
    const onBytes = (bytes: number) => {
      sentBytes += BigInt(bytes);
    };
    await telling(at, `the backup is on ${action.host}`, LIMIT_MS, progress, sendAll(action, at, onBytes));
    const { sent } = restoreDirectories(action.place, at.tools.run);
    return { says: `${total} bytes of the backup are there, read back with their hashes`, detail: { directory: sent } };
  },
};

async function sendAll(action: Send, at: At, onBytes: (bytes: number) => void): Promise<void> {
  const { named: host } = nodeAt(at, action.node);
  const { sent } = restoreDirectories(action.place, at.tools.run);
  for (const file of action.files) {
    const path = join(sent, file.to);
    await host.makeDirectory(dirname(path));
    await host.upload(path, uploadOf(file, at, onBytes), at.signal);
  }
}

function uploadOf({ from, sizeBytes, sha256 }: RestoredFile, at: At, onBytes: (bytes: number) => void): UploadFile {
  const { backup } = at.tools;
  const bytes = (fromByte: bigint) => {
    if ('text' in from) return textFrom(from.text, fromByte);
    if (backup === undefined) throw new Error('this run was begun without the backup that its plan names');
    return backup.read(from.stored, fromByte, at.signal);
  };
  return { sizeBytes, sha256, bytes, onBytes };
}

async function* textFrom(text: string, fromByte: bigint): AsyncGenerator<Uint8Array> {
  const rest = new TextEncoder().encode(text).subarray(Number(fromByte));
  if (rest.length > 0) yield rest;
}

/** Made by us it would be ours, and the server could not write there. */
async function refuseNoDirectory(action: Send, at: At): Promise<void> {
  const { dir } = action.place;
  const stat = await nodeAt(at, action.node).named.stat(dir);
  if (stat.ok || stat.why !== 'absent') return;
  throw new Error(`${dir} is not there: make it, owned by the user of the server, and mount its disk`);
}
