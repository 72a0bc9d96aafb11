import { describe, expect, it } from 'vitest';
import { type PayloadForm, payloadEnd, readFullResync, readPayloadForm } from '../../src/redis/full-sync.js';

const id = '0123456789abcdef0123456789abcdef01234567';
const MARK = 'f'.repeat(39).concat('0');
const bytes = (text: string) => new TextEncoder().encode(text);

/** What is given out of `text` that arrives in pieces of so many bytes, as one text; undefined when the end was not seen. */
function given(form: PayloadForm, text: string, piece: number): string | undefined {
  const end = payloadEnd(form);
  const got: string[] = [];
  const all = bytes(text);
  for (let at = 0; at < all.length && !end.isOver(); at += piece)
    for (const part of end.feed(all.slice(at, at + piece))) got.push(new TextDecoder().decode(part));
  return end.isOver() ? got.join('') : undefined;
}

describe('the words before the data', () => {
  it('are read exactly, and nothing else is', () => {
    expect(readFullResync(`FULLRESYNC ${id} 1234`)).toEqual({ replicationId: id, offset: 1234n });
    for (const line of [`FULLRESYNC ${id} -1`, `FULLRESYNC ${id}`, `CONTINUE ${id}`, `FULLRESYNC ${id.slice(1)}g 1 2`])
      expect(readFullResync(line)).toBeUndefined();
    expect(readPayloadForm('175')).toEqual({ by: 'length', bytes: 175n });
    expect(readPayloadForm(`EOF:${MARK}`)).toEqual({ by: 'mark', mark: bytes(MARK) });
    for (const line of ['-1', '', '1e3', 'EOF:', `EOF:${MARK}x`]) expect(readPayloadForm(line)).toBeUndefined();
  });
});

describe('the end of the data', () => {
  const almost = `REDIS${MARK.slice(0, 39)}0${MARK.slice(1)}tail`;
  const pieces = [1, 7, 39, 40, 41, 64, 10_000];

  it.each(pieces)('by a mark, in pieces of %i bytes', (piece) => {
    const form = { by: 'mark', mark: bytes(MARK) } as const;
    const data = `${'x'.repeat(300)}${almost.replace(MARK, MARK.replace('0', '1'))}`;
    expect(given(form, data + MARK, piece)).toBe(data);
    expect(given(form, MARK, piece)).toBe('');
    expect(given(form, data + MARK.slice(0, 39), piece)).toBeUndefined();
  });

  it.each(pieces)('by a length, in pieces of %i bytes: what follows is not given out', (piece) => {
    expect(given({ by: 'length', bytes: 300n }, `${'y'.repeat(300)}*1\r\n$4\r\nPING\r\n`, piece)).toBe('y'.repeat(300));
    expect(given({ by: 'length', bytes: 301n }, 'y'.repeat(300), piece)).toBeUndefined();
  });
});
