import type { Duplex } from 'node:stream';

/** What arrives on a connection: lines first, then bytes. Each rejects with an Error when the connection ends, or nothing came for `silenceMs`. */
export interface Incoming {
  /** Up to the next line feed, without it and a carriage return before it. Bytes as one character each. */
  line(limitBytes: number, silenceMs: number): Promise<string>;
  /** Whatever is there, at least one byte. */
  chunk(silenceMs: number): Promise<Uint8Array>;
}

const LINE_FEED = 10;

/** Reads a connection from here on; nobody else may. Nothing is taken from it that was not asked for: a slow reader slows the sender. */
export function incoming(stream: Duplex): Incoming {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let rest: Uint8Array = new Uint8Array(0);

  async function next(silenceMs: number): Promise<Uint8Array> {
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      stream.destroy();
    }, silenceMs);
    const ended = () => new Error(isSilent ? `nothing came for ${Math.round(silenceMs)} ms` : 'it was closed');
    try {
      const { done, value } = await chunks.next();
      if (done === true) throw ended();
      return value;
    } catch (error) {
      throw isSilent ? ended() : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function chunk(silenceMs: number): Promise<Uint8Array> {
    if (rest.length === 0) return next(silenceMs);
    const there = rest;
    rest = new Uint8Array(0);
    return there;
  }

  async function line(limitBytes: number, silenceMs: number): Promise<string> {
    for (;;) {
      const at = rest.indexOf(LINE_FEED);
      if (at !== -1) {
        const text = Buffer.from(rest.subarray(0, at)).toString('latin1');
        rest = rest.subarray(at + 1);
        return text.replace(/\r$/, '');
      }
      if (rest.length > limitBytes) throw new Error(`a line of more than ${limitBytes} bytes`);
      rest = Buffer.concat([rest, await next(silenceMs)]);
    }
  }

  return { line, chunk };
}
