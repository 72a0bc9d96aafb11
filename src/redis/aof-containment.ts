import { commandName, isWriteCommand } from './aof-commands.js';
import { type AofCommand, createAofFrames, findCommands } from './aof-frames.js';

/** Searches a stream of bytes for one run of bytes. */
export interface Containment {
  feed(chunk: Uint8Array): void;
  /** How often the run occurred so far, overlaps counted. */
  found(): number;
}

/**
 * Counts where `needle` (what `containmentWindow` gave) stands in the incremental append-only file that is fed from its
 * first byte. Annotation lines (`#TS:`, each node writes its own clock) are passed over in the file, as the window
 * leaves them out. An empty needle is never found. Memory: five bytes for each byte of the needle.
 */
export function createContainment(needle: Uint8Array): Containment {
  const search = createSearch(needle);
  const filter = createAnnotationFilter((bytes) => search.feed(bytes));
  return { feed: filter, found: search.found };
}

/** Knuth, Morris and Pratt: linear whatever a hostile file repeats. */
function createSearch(needle: Uint8Array): Containment {
  const borders = bordersOf(needle);
  let matched = 0;
  let count = 0;
  return {
    feed(chunk) {
      if (needle.length === 0) return;
      let length = matched;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at];
        while (length > 0 && needle[length] !== byte) length = borders[length - 1] as number;
        if (needle[length] === byte) length += 1;
        if (length === needle.length) {
          count += 1;
          length = borders[length - 1] as number;
        }
      }
      matched = length;
    },
    found: () => count,
  };
}

function bordersOf(needle: Uint8Array): Int32Array {
  const borders = new Int32Array(needle.length);
  let length = 0;
  for (let at = 1; at < needle.length; at++) {
    while (length > 0 && needle[length] !== needle[at]) length = borders[length - 1] ?? 0;
    if (needle[length] === needle[at]) length += 1;
    borders[at] = length;
  }
  return borders;
}

/** Passes bytes on without annotation lines; as they are from where the framing can no longer be followed. */
function createAnnotationFilter(pass: (bytes: Uint8Array) => void): (chunk: Uint8Array) => void {
  let followed = true;
  let cuts: [number, number][] = [];
  const frames = createAofFrames({ annotationBytes: (from, to) => cuts.push([from, to]) });
  return (chunk) => {
    cuts = [];
    try {
      if (followed) frames.feed(chunk);
    } catch {
      followed = false;
    }
    let at = 0;
    for (const [from, to] of cuts) {
      pass(chunk.subarray(at, from));
      at = to;
    }
    pass(chunk.subarray(at));
  };
}

/**
 * The bytes to look for in a successor's incremental file: the longest run of whole commands, at most `maxBytes`, at the
 * end of `incrTail` (the last bytes of a crashed former master's last incremental, or all of it). It begins at a command,
 * not at a SELECT (each node writes its own), and holds no annotation lines. A torn last command is left out: it was not
 * answered and not sent to replicas before it was written; so is an open transaction, of which a load takes nothing. Undefined when no whole write command is in it.
 */
export function containmentWindow(incrTail: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const isFromStart = incrTail[0] === 0x2a || incrTail[0] === 0x23;
  const fromStart = isFromStart ? findCommands(incrTail, true) : -1;
  const at = fromStart < 0 ? findCommands(incrTail, false) : fromStart;
  if (at < 0) return undefined;
  const bytes = incrTail.subarray(at);
  const commands: AofCommand[] = [];
  createAofFrames({ command: (command) => commands.push(command) }).feed(bytes);
  return windowOf(bytes, withoutOpenMulti(commands), maxBytes);
}

/** A load takes nothing of a transaction without its EXEC (aof.c: "Revert incomplete MULTI/EXEC transaction"). */
function withoutOpenMulti(commands: readonly AofCommand[]): readonly AofCommand[] {
  const multi = commands.findLastIndex(({ first }) => first.toLowerCase() === 'multi');
  const exec = commands.findLastIndex(({ first }) => first.toLowerCase() === 'exec');
  return multi > exec ? commands.slice(0, multi) : commands;
}

function windowOf(bytes: Uint8Array, commands: readonly AofCommand[], maxBytes: number): Uint8Array | undefined {
  let first = commands.length;
  let size = 0;
  for (let at = commands.length - 1; at >= 0; at--) {
    const command = commands[at];
    size += command === undefined ? 0 : command.end - command.start;
    if (size > maxBytes) break;
    first = at;
  }
  while (commands[first]?.first.toLowerCase() === 'select') first += 1;
  const chosen = commands.slice(first);
  if (!chosen.some((command) => isWriteCommand(commandName(command.first, command.second)))) return undefined;
  return concatenated(chosen.map(({ start, end }) => bytes.subarray(start, end)));
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
