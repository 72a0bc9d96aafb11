import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UploadFile } from '../host.js';
import { fileError } from '../local-files.js';
import { codeOf, onAbort } from '../reading.js';
import { type UploadSteps, uploadBy } from '../upload.js';
import { change, filesOver } from './files.js';
import { atNamedPath, INSIDE, type NamedBy } from './run-as.js';
import { failureOf, HASHED, unknownEnd } from './script.js';
import type { Shell } from './sudo.js';

/** A large file is read back from a slow disk. */
const READ_BACK_MS = 6 * 60 * 60 * 1000;

/** Standard input goes to the end of ./B, which must have $1 bytes; 0 begins it anew, under a name that is free then. */
const APPEND = `${INSIDE}if [ "$1" = 0 ]; then
  rm -f -- "./$B"
  e=$( { set -C; : > "./$B"; } 2>&1 ) || because "$e"
fi
[ ! -L "./$B" ] && [ -f "./$B" ] || exit 42
[ "$(stat -c %s -- "./$B")" = "$1" ] || exit 50
e=$(cat 2>&1 >> "./$B") || because "$e"
sync "./$B" 2> /dev/null || sync`;

/** Reads ./B back and gives it the name $1, which must be free; $2 = its sha256. */
const FINISH = `${INSIDE}${HASHED}[ ! -L "./$B" ] && [ -f "./$B" ] || exit 42
[ "$(hashed < "./$B")" = "$2" ] || { rm -f -- "./$B"; exit 56; }
e=$(ln -- "./$B" "./$1" 2>&1) || { [ ! -e "./$1" ] && [ ! -L "./$1" ] || exit 62; because "$e"; }
rm -f -- "./$B"
sync . 2> /dev/null || sync`;

/** As WritableHost.upload, over the host's shell: with the right of the directory's owner. */
export function uploadTo(
  shell: Shell,
  path: string,
  file: UploadFile,
  signal: AbortSignal,
  by: NamedBy | undefined,
): Promise<'there' | 'written'> {
  const files = filesOver(shell, () => by);
  const at = (script: string, place: string, ...args: string[]) => atNamedPath(by, script, place, 'stay', ...args);
  const steps: UploadSteps = {
    size: async (each) => {
      const stat = await files.stat(each, signal).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (stat === undefined || stat.type === 'file') return stat?.sizeBytes;
      throw fileError('EINVAL', `${each} is not a regular file`);
    },
    hash: (each) => files.hash(each, signal),
    append: (part, fromByte, chunks) => pour(shell, at(APPEND, part, String(fromByte)), part, chunks, signal),
    finish: async (part, whole, sha256) => {
      const name = whole.slice(whole.lastIndexOf('/') + 1);
      await change(shell, at(FINISH, part, name, sha256), whole, signal, { timeoutMs: READ_BACK_MS });
    },
  };
  return uploadBy(steps, path, file, signal);
}

/** A stream into a script; when both fail, the script's own words say why. */
async function pour(
  shell: Shell,
  script: Parameters<Shell['open']>[0],
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const stream = await shell.pour(script, signal);
  const forget = onAbort(signal, () => stream.kill());
  const drained = drain(stream.stdout).catch(() => undefined);
  try {
    const sent = await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), stream.stdin).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (sent !== undefined && codeOf(sent) !== 'EPIPE' && codeOf(sent) !== 'ERR_STREAM_PREMATURE_CLOSE') {
      stream.ended.catch(() => undefined);
      stream.kill();
      throw sent;
    }
    const { status, stderr } = await stream.ended;
    signal.throwIfAborted();
    await drained;
    if (status === null || status > 128) throw unknownEnd(shell.host, path);
    const none = { signal: null, stdout: new Uint8Array(), timedOut: false, tooLarge: false };
    if (status !== 0) throw failureOf({ ...none, status, stderr: new TextEncoder().encode(stderr) }, path);
    if (sent !== undefined) throw sent;
  } finally {
    forget();
  }
}

async function drain(stdout: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stdout);
}
