import type { RunEvent, RunResult } from '../model/run.js';
import { printable, printableProse } from './escape.js';
import { padEnd, padStart, paint, proseWidth, type Role, widthOf, wrap } from './layout.js';
import { type NextCommand, nextLines } from './next-lines.js';
import { clockTime, duration } from './quantities.js';

export interface RunLineOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Also skipped actions. */
  readonly verbose: boolean;
  /** Of the operator: stage lines show the local clock. */
  readonly utcOffsetMinutes: number;
}

const signs = { done: 'ok', failed: 'x ', unknown: '? ', skipped: '- ' } as const;
const roles: Readonly<Record<keyof typeof signs, Role>> = {
  done: 'good',
  failed: 'danger',
  unknown: 'unknown',
  skipped: 'quiet',
};

/** One event as the lines that are appended to a screen or a log; empty for what is not shown. */
export function runLines(event: RunEvent, options: RunLineOptions): string[] {
  switch (event.type) {
    case 'stage-begun':
      return [stageLine(event, options)];
    case 'action-ended':
      if (event.outcome === 'skipped' && !options.verbose) return [];
      return signed(event.outcome, event.node, event.text, event.elapsedMs, options);
    case 'condition-ended':
      return signed(
        event.outcome,
        '',
        `${event.says}${event.seen && event.outcome !== 'done' ? `: ${event.seen}` : ''}`,
        event.elapsedMs,
        options,
      );
    case 'waiting':
      return waitingLines(event, options);
    case 'stage-ended':
      return wrap(`Now: ${printableProse(event.now)}`, options.width, '  ', '  ');
    case 'note':
      return wrap(printableProse(event.text), options.width, '  !   ', '      ');
  }
}

function stageLine(event: Extract<RunEvent, { type: 'stage-begun' }>, options: RunLineOptions): string {
  const title = `${event.index + 1} ${printable(event.title)}`;
  const begun = Date.parse(event.at);
  const clock = clockTime(begun, options.utcOffsetMinutes, begun);
  const gap = rightEdge(options.width) - widthOf(title) - clock.length;
  const time = gap < 2 ? `  ${clock}` : padStart(clock, gap + clock.length);
  return paint('verdict', title, options.colour) + paint('quiet', time, options.colour);
}

/** Where times end: one column, however wide the terminal is. */
function rightEdge(width: number): number {
  return Math.min(width, proseWidth) - 2;
}

/** A sign, the node, what is true, and at the right edge how long it took. */
function signed(
  outcome: keyof typeof signs,
  node: string,
  text: string,
  elapsedMs: number,
  options: RunLineOptions,
): string[] {
  const sign = paint(roles[outcome], signs[outcome], options.colour);
  const took = duration(elapsedMs);
  const head = node === '' ? '' : `${padEnd(printable(node), 14)}  `;
  const room = rightEdge(options.width) - took.length - 2;
  const [first = '', ...rest] = wrap(printableProse(text), room, `      ${head}`, ' '.repeat(6 + head.length));
  const time = paint('quiet', padStart(took, rightEdge(options.width) - widthOf(first)), options.colour);
  return [`  ${sign}  ${first.slice(6)}${time}`, ...rest];
}

/** What is waited for, what was seen last, how long, and the limit. */
export function waitingLines(event: Extract<RunEvent, { type: 'waiting' }>, options: RunLineOptions): string[] {
  const late = event.elapsedMs * 2 > event.limitMs;
  const text = `waiting until ${event.says}: ${event.seen}; ${duration(event.elapsedMs)} of at most ${duration(event.limitMs)}`;
  const lines = wrap(printableProse(text), options.width, '  ..  ', '      ');
  return late ? lines.map((line) => paint('warn', line, options.colour)) : lines;
}

/** The wait under way in one line that can be redrawn: what is waited for, cut where it does not fit, and the time. */
export function waitingNow(event: Extract<RunEvent, { type: 'waiting' }>, options: RunLineOptions): string {
  const time = `${duration(event.elapsedMs)} of at most ${duration(event.limitMs)}`;
  const room = rightEdge(options.width) - time.length - 8;
  const says = printable(event.says);
  const shown = says.length > room ? `${says.slice(0, Math.max(0, room - 3))}...` : says;
  const late = event.elapsedMs * 2 > event.limitMs;
  return paint(late ? 'warn' : 'quiet', `  ..  ${shown.padEnd(Math.max(0, room))}  ${time}`, options.colour);
}

/** What the last screen of a run says beside its result. */
export interface RunEndFacts {
  readonly headline: string;
  /** Label and text; a text is wrapped beside its label. */
  readonly rows: readonly (readonly [label: string, text: string])[];
  readonly next: readonly NextCommand[];
  /** Path of the report. */
  readonly report: string;
}

/** The last screen of a run: what is true now, the proof, what was given up, what is left to do, where the report is. */
export function renderRunEnd(
  result: RunResult,
  facts: RunEndFacts,
  options: { readonly width: number; readonly colour: boolean },
): string {
  const verdict = wrap(facts.headline, options.width).map((line) => paint('verdict', line, options.colour));
  const left = result.leftToDo.flatMap((item, index) => [
    ...wrap(printableProse(item.says), options.width, `  ${index + 1}  `, '     '),
    ...(item.next ? [`       ${printableProse(item.next)}`] : []),
  ]);
  const blocks = [
    verdict,
    result.proof.flatMap((item) => proofLines(item, options)),
    facts.rows.flatMap(([label, text]) =>
      wrap(printableProse(text), options.width, `  ${padEnd(label, 12)}`, ' '.repeat(14)),
    ),
    left.length > 0 ? ['Left to do', ...left] : [],
    [...nextLines(facts.next, options.width), `  report  ${printableProse(facts.report)}`],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** A check of the proof with what was seen; a check that failed says so in words, too. */
function proofLines(
  item: RunResult['proof'][number],
  options: { readonly width: number; readonly colour: boolean },
): string[] {
  const sign = item.ok ? paint('good', 'ok', options.colour) : paint('danger', 'x ', options.colour);
  const text = `${item.ok ? '' : 'NOT PROVED: '}${item.check}${item.says ? `: ${item.says}` : ''}`;
  const lines = wrap(printableProse(text), options.width, '      ', '      ');
  return lines.map((line, index) => (index === 0 ? `  ${sign}  ${line.slice(6)}` : line));
}
