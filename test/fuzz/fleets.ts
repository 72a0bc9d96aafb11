import type { Prng } from '../../src/lab/prng.js';
import type { Inventory } from '../../src/model/inventory.js';
import type { RawAnswer, RawContent, RawFile, RawHost, RawLine, Resp } from '../../src/model/raw-host.js';
import { bent, bentText } from './mutate.js';

export interface Saved {
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
}

/** A recorded fleet of which one to three pieces came back damaged. */
export interface BentFleet extends Saved {
  readonly how: string;
}

interface Change<T> {
  readonly value: T;
  readonly how: string;
}

/** Which pieces are damaged: what lies on disk, or what running servers answered as well. */
export type Reach = 'files' | 'answers too';

interface Piece {
  readonly host: number;
  readonly kind: 'file' | 'answer';
  readonly index: number;
}

function piecesOf(raws: readonly RawHost[], reach: Reach): readonly Piece[] {
  return raws.flatMap((raw, host) => [
    ...raw.files.flatMap((file, index) => (file.content.ok ? [{ host, kind: 'file' as const, index }] : [])),
    ...(reach === 'files'
      ? []
      : raw.answers.flatMap((answer, index) => (answer.answer.ok ? [{ host, kind: 'answer' as const, index }] : []))),
  ]);
}

/** Draws what is damaged and how. */
export function bentFleet(saved: Saved, prng: Prng, reach: Reach): BentFleet {
  const times = prng.chance(0.75) ? 1 : prng.between(2, 3);
  let { raws } = saved;
  const said: string[] = [];
  for (let time = 0; time < times; time++) {
    const pieces = piecesOf(raws, reach);
    const piece = prng.pick(pieces);
    const one = withPiece(raws, piece, prng);
    raws = one.value;
    said.push(one.how);
  }
  return { inventory: saved.inventory, raws, how: said.join('; ') };
}

function withPiece(raws: readonly RawHost[], piece: Piece, prng: Prng): Change<readonly RawHost[]> {
  let how = '';
  const value = raws.map((raw, host) => {
    if (host !== piece.host) return raw;
    if (piece.kind === 'file') {
      return {
        ...raw,
        files: raw.files.map((file, index) => {
          if (index !== piece.index) return file;
          const one = bentFile(file, prng);
          how = `${file.path}: ${one.how}`;
          return one.value;
        }),
      };
    }
    return {
      ...raw,
      answers: raw.answers.map((answer, index) => {
        if (index !== piece.index) return answer;
        const one = bentAnswer(answer, prng);
        how = `${answer.node} ${answer.command}: ${one.how}`;
        return one.value;
      }),
    };
  });
  return { value, how };
}

function bentFile(file: RawFile, prng: Prng): Change<RawFile> {
  if (!file.content.ok) return { value: file, how: 'nothing' };
  const one = bentContent(file.content.value, prng);
  const content = { ...file.content, value: one.value };
  if (!('head' in one.value) || !file.stat.ok) return { value: { ...file, content }, how: one.how };
  const grown = BigInt(one.grewBytes ?? 0);
  const sizeBytes = file.stat.value.sizeBytes + grown;
  const stat = { ...file.stat, value: { ...file.stat.value, sizeBytes: sizeBytes < 0n ? 0n : sizeBytes } };
  return { value: { ...file, stat, content }, how: one.how };
}

function bentContent(content: RawContent, prng: Prng): Change<RawContent> & { readonly grewBytes?: number } {
  if ('text' in content) {
    const { text, how } = bentText(content.text, prng);
    return { value: { text }, how };
  }
  if ('head' in content) return bentEdges(content.head, content.tail, prng);
  const which = prng.pick(['matches', 'matches', 'tail'] as const);
  const lines = bentLines(content[which], prng);
  return { value: { ...content, [which]: lines.value }, how: `${which}: ${lines.how}` };
}

/** The look brings the first and the last bytes; a small file has its end in its head. */
function bentEdges(head: string, tail: string, prng: Prng): Change<RawContent> & { readonly grewBytes: number } {
  const atEnd = tail !== '' && prng.chance(0.4);
  const before = Buffer.from(atEnd ? tail : head, 'base64');
  // Headers are what decides: half of all accidents happen there.
  const part = !atEnd && prng.chance(0.5) ? before.subarray(0, 200) : before;
  const one = bent(part, prng);
  const after = Buffer.concat([one.bytes, before.subarray(part.length)]);
  const text = after.toString('base64');
  return {
    value: atEnd ? { head, tail: text } : { head: text, tail },
    how: `${atEnd ? 'end' : 'begin'}: ${one.how}`,
    grewBytes: after.length - before.length,
  };
}

function bentLines(lines: readonly RawLine[], prng: Prng): Change<readonly RawLine[]> {
  if (lines.length === 0) return { value: lines, how: 'nothing' };
  const at = prng.between(0, lines.length - 1);
  switch (prng.pick(['text', 'text', 'text', 'cut', 'begin', 'out', 'twice'] as const)) {
    case 'text': {
      const line = lines[at];
      if (line === undefined) return { value: lines, how: 'nothing' };
      const one = bentText(line.text, prng);
      return {
        value: lines.with(at, { ...line, text: one.text }),
        how: `line ${line.line}: ${one.how}: ${one.text.slice(0, 160)}`,
      };
    }
    case 'cut':
      return { value: lines.slice(0, at), how: `cut after ${at} lines` };
    case 'begin':
      return { value: lines.slice(at), how: `first ${at} lines gone` };
    case 'out': {
      const many = prng.between(1, 5);
      return { value: lines.toSpliced(at, many), how: `${many} lines out at ${at}` };
    }
    case 'twice':
      return { value: [...lines, ...lines.slice(at, at + 20)], how: `lines from ${at} again at the end` };
  }
}

function bentAnswer(answer: RawAnswer, prng: Prng): Change<RawAnswer> {
  if (!answer.answer.ok) return { value: answer, how: 'nothing' };
  const one = bentResp(answer.answer.value, prng);
  return { value: { ...answer, answer: { ...answer.answer, value: one.value } }, how: one.how };
}

function bentResp(resp: Resp, prng: Prng): Change<Resp> {
  if (typeof resp === 'string') {
    const one = bentText(resp, prng);
    return { value: one.text, how: one.how };
  }
  if (resp === null || 'error' in resp || resp.length === 0) {
    return { value: prng.pick<Resp>([null, [], '', ['x'], { error: 'ERR nothing' }]), how: 'another kind of answer' };
  }
  if (prng.chance(0.2)) {
    const many = prng.between(0, resp.length - 1);
    return { value: resp.slice(0, many), how: `cut after ${many} entries` };
  }
  const at = prng.between(0, resp.length - 1);
  const one = bentResp(resp[at] ?? null, prng);
  return { value: resp.with(at, one.value), how: `entry ${at}: ${one.how}` };
}
