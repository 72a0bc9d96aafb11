import type { Diagnosis, HistoryEdge } from '../model/diagnosis.js';
import { printable } from './escape.js';
import { padEnd, padStart, proseWidth, wrap } from './layout.js';
import { type End, type EndOfHistory, hasEnds, type Track, tracksOf } from './lineage-tracks.js';
import { shownOffset, verdictWord } from './lineage-words.js';
import { bytes, grouped } from './quantities.js';

interface Canvas {
  readonly rows: string[];
  readonly right: number;
  readonly segment: number;
  readonly labels: { readonly node: number; readonly offset: number };
}

/**
 * The family of replication histories as ASCII art of at most 80 columns: a line per history, a `+` where another grew
 * out of it, each node's end at the right with its offset and, when asked, its verdict. A dotted line is a node that
 * stopped before the history went on elsewhere; `?` at its end means that nobody recorded where it stopped. Histories
 * without a shared root are drawn one below the other and said to be incomparable. Empty without any known end.
 */
export function drawLineage(diagnosis: Diagnosis, options: { readonly words: boolean }): string[] {
  const ends = endsOf(diagnosis, options.words);
  if (ends.length === 0) return [];
  const roots = tracksOf(diagnosis.lineage, ends).filter(hasEnds);
  const labels = {
    node: Math.max(...ends.map(({ end }) => end.node.length)),
    offset: Math.max(...ends.map(({ end }) => end.shown.length)),
  };
  const word = Math.max(0, ...ends.map(({ end }) => end.word.length));
  const right = proseWidth - labels.node - labels.offset - 3 - (word > 0 ? word + 2 : 0);
  const segment = segmentFor(Math.max(...roots.map(depthOf)), right);
  const drawings = roots.map((root) => {
    const canvas: Canvas = { rows: [], right, segment, labels };
    drawTrack(canvas, root, 2);
    return [...canvas.rows.map((row) => row.trimEnd()), ...sharedLine(root)];
  });
  const lines = drawings.flatMap((drawing, index) => (index === 0 ? drawing : ['', ...drawing]));
  return [...lines, ...bornLines(diagnosis.lineage), ...strangersLine(roots.length), ...notDrawnLines(diagnosis)];
}

/** Who made which history out of which other one, when and at which offset, as far as a log line tells the time. */
function bornLines({ histories, edges }: Diagnosis['lineage']): string[] {
  const named = new Map(histories.map((history) => [history.replid, history]));
  return edges.flatMap(({ parent, child, cut, how, when }) => {
    const [of, to] = [named.get(parent), named.get(child)];
    if (when === undefined || how === 'followed' || !of || to?.bornOn === undefined) return [];
    const deed = how === 'promotion' ? 'promoted' : 'started again';
    const says = `${to.letter}: ${printable(to.bornOn)} was ${deed} at ${when} (its own clock), at ${grouped(cut)} of ${of.letter}`;
    return wrap(says, proseWidth, '  ', '     ');
  });
}

function strangersLine(roots: number): string[] {
  if (roots < 2) return [];
  return ['', ...wrap(strangers, proseWidth, '  ', '  ')];
}

const strangers = 'These histories share nothing that was recorded: their offsets say nothing about each other.';

/** Candidates whose end is not known have no place in the drawing; they are named below it. */
function notDrawnLines(diagnosis: Diagnosis): string[] {
  const drawn = new Set(diagnosis.lineage.ends.map(({ node }) => node));
  const others = diagnosis.candidates.filter(({ node }) => !drawn.has(node));
  if (others.length === 0) return [];
  const names = others.map(({ node }) => `${printable(node)} (${verdictWord(diagnosis, node)})`);
  return wrap(`of no known history: ${names.join(', ')}`, proseWidth, '  ', '    ');
}

function endsOf(diagnosis: Diagnosis, words: boolean): EndOfHistory[] {
  return diagnosis.lineage.ends.map(({ node, end }) => ({
    replid: end.replid,
    end: {
      node: printable(node),
      offset: end.offset,
      shown: shownOffset(end),
      word: words ? verdictWord(diagnosis, node) : '',
      open: end.precision === 'at-least',
      best: node === diagnosis.winner,
    },
  }));
}

function depthOf(track: Track): number {
  return Math.max(1, track.children.length + Math.max(0, ...track.children.map((child) => depthOf(child.track))));
}

function segmentFor(depth: number, right: number): number {
  return Math.max(4, Math.min(8, Math.floor((right - 8) / depth)));
}

/** Draws a history from `column` on, its own ends, then what grew out of it, the latest first. */
function drawTrack(canvas: Canvas, track: Track, column: number): void {
  const first = canvas.rows.length;
  const forks = track.children.map((_child, index) => column + canvas.segment * (index + 1));
  const last = track.children.length - 1;
  const [main, others] = mainAndOthers(track, last);
  canvas.rows.push(mainRow(canvas, track, column, forks, main));
  for (const end of others) canvas.rows.push(otherRow(canvas, track, column, forks, end));
  for (let index = last; index >= 0; index -= 1) {
    const child = track.children[index];
    const fork = forks[index];
    if (!child || fork === undefined) continue;
    const from = canvas.rows.length;
    drawTrack(canvas, child.track, fork);
    bar(canvas, fork, first + 1, from);
  }
}

/** Which child's cut stops an end: the first that is not before it, or undefined when the end lies past every cut. */
function stoppedBy(track: Track, end: End): number | undefined {
  const index = track.children.findIndex((child) => end.offset <= child.cut);
  return index === -1 ? undefined : index;
}

function mainAndOthers(track: Track, last: number): readonly [End | undefined, readonly End[]] {
  const top = track.ends[0];
  if (!top) return [undefined, []];
  const stopped = stoppedBy(track, top);
  return stopped === undefined || stopped === last ? [top, track.ends.slice(1)] : [undefined, track.ends];
}

function mainRow(canvas: Canvas, track: Track, column: number, forks: readonly number[], end: End | undefined): string {
  let row = track.born ? `${' '.repeat(column)}+` : ' '.repeat(column);
  row = `${row}${'-'.repeat(Math.max(1, Math.floor((canvas.segment - 2) / 2)))}${track.letter}`;
  for (const fork of forks) row = `${row.padEnd(fork, '-')}+`;
  if (!end) return forks.length > 0 ? row : `${row}---`;
  if (stoppedBy(track, end) !== undefined) return withLabel(canvas, dotted(row, canvas.right, end.open), end);
  return withLabel(canvas, solid(row, ownText(track, end), canvas, sharesEnd(track)), end);
}

function sharesEnd(track: Track): boolean {
  return track.ends.filter((end) => stoppedBy(track, end) === undefined).length > 1;
}

function otherRow(canvas: Canvas, track: Track, column: number, forks: readonly number[], end: End): string {
  const stopped = stoppedBy(track, end);
  if (stopped === undefined) return withLabel(canvas, `${' '.repeat(canvas.right - 5)}+----`, end);
  return withLabel(canvas, dotted(' '.repeat((forks[stopped] ?? column) + 1), canvas.right, end.open), end);
}

function solid(row: string, text: string, canvas: Canvas, shared: boolean): string {
  const tail = shared ? '+----' : '-----';
  const room = canvas.right - row.length - tail.length;
  const body = text !== '' && text.length + 8 <= room ? `--- ${text} ` : '';
  return `${(row + body).padEnd(canvas.right - tail.length, '-')}${tail}`;
}

/** ` . . .` up to the label: the history went on without this node. */
function dotted(row: string, right: number, open: boolean): string {
  const room = Math.max(0, right - row.length - (open ? 2 : 0));
  return `${row}${' .'.repeat(Math.floor(room / 2))}${open ? ' ?' : ''}`.padEnd(right);
}

function withLabel(canvas: Canvas, row: string, end: End): string {
  const label = `${padEnd(end.node, canvas.labels.node)}  ${padStart(end.shown, canvas.labels.offset)}`;
  return `${row.padEnd(canvas.right)} ${label}${end.word === '' ? '' : `  ${end.word}`}`;
}

/** What a node holds past the last cut of its history, or what a history holds since it began. */
function ownText(track: Track, end: End): string {
  const lastCut = track.children.at(-1)?.cut;
  if (lastCut !== undefined) return `${end.node}'s own ${bytes(end.offset - lastCut)}`;
  if (!track.born || end.open) return '';
  const grown = end.offset - track.born.edge.cut;
  return grown < 0n ? '' : `${bytes(grown)} ${sinceWhat(track.born)}`;
}

function sinceWhat({ edge, on }: { readonly edge: HistoryEdge; readonly on?: string }): string {
  if (on === undefined || edge.how === 'followed') return `past ${grouped(edge.cut)}`;
  return edge.how === 'promotion' ? `since ${on}'s promotion` : `since ${on}'s restart`;
}

function bar(canvas: Canvas, column: number, from: number, to: number): void {
  for (let index = from; index < to; index += 1) {
    const row = (canvas.rows[index] ?? '').padEnd(column + 1);
    if (row[column] === ' ') canvas.rows[index] = `${row.slice(0, column)}|${row.slice(column + 1)}`;
  }
}

/** `up to N all three have the same bytes`, where every end of a tree lies past its first cut. */
function sharedLine(root: Track): string[] {
  const cut = root.children[0]?.cut;
  if (cut === undefined || root.ends.some((end) => end.offset < cut)) return [];
  return [`  up to ${grouped(cut)} all of them have the same bytes`];
}
