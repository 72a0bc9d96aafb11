import { Readable } from 'node:stream';
import { childEnd, startChild } from './child.js';
import { codeOf } from './reading.js';

/** A program did not like what it read. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
}

/**
 * What a program of this machine makes of some bytes, as they come: no shell, nothing of our environment but PATH. Rejects
 * with the system's error when it cannot be started, with what reading `bytes` said, with ProgramFailed when it ends badly.
 */
export async function* through(argv: readonly string[], bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const [program = '', ...args] = argv;
  const child = startChild(program, args, { PATH: process.env.PATH ?? '' });
  const ended = childEnd(child);
  child.stderr.resume();
  let trouble: Error | undefined;
  const source = Readable.from(bytes, { objectMode: false });
  source.once('error', (error) => {
    trouble = error;
    child.kill('SIGKILL');
  });
  source.pipe(child.stdin);
  try {
    yield* outputOf(child.stdout);
    const { status } = await ended;
    if (trouble !== undefined) throw trouble;
    if (status !== 0) throw new ProgramFailed(`${program} ended with ${status}`);
  } finally {
    source.destroy();
    child.kill('SIGKILL');
  }
}

/** How the program ended tells more than that its output did. */
async function* outputOf(stdout: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stdout) yield chunk as Uint8Array;
  } catch (error) {
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
