import { setTimeout as sleep } from 'node:timers/promises';
import { ChannelLost } from '../../hosts/channel.js';
import type { Host } from '../../hosts/host.js';
import type { BackupWriter } from '../repository/repository.js';
import type { HeldFile } from './held-files.js';
import { packingFor } from './packing.js';
import { progress } from './progress.js';
import { type Arrived, receive } from './receive.js';
import type { TakeRequest } from './request.js';
import type { TakeTools } from './take-tools.js';

const MOST_TRIES = 3;
const PAUSE_MS = 1000;

/** As `receive`; a file whose connection broke is sent once more from its beginning, twice at most: what is held on the host does not change. */
export async function receiveAgain(
  host: Host,
  file: HeldFile,
  request: Pick<TakeRequest, 'bytesPerSecond' | 'compress'>,
  writer: BackupWriter,
  tools: TakeTools,
): Promise<Arrived> {
  const { signal } = tools.reach;
  for (let tries = 1; ; tries += 1) {
    try {
      const how = await packingFor(host, file, request, tools);
      const onBytes = progress(file.path, how === undefined ? file.sizeBytes : undefined, tools.tell);
      const options = { signal, bytesPerSecond: request.bytesPerSecond, onBytes, how };
      return await receive(host, file, writer, options);
    } catch (error) {
      if (!(error instanceof ChannelLost) || tries === MOST_TRIES) throw error;
      tools.tell(`the connection to ${host.entry.name} broke: ${file.path} is sent again`);
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}
