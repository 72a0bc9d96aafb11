import type { RunEvent, RunResult } from '../model/run.js';
import { printable, printableProse } from './escape.js';
import { padEnd, paint, type Role, wrap } from './layout.js';
import { duration } from './quantities.js';

export interface RunLineOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Also skipped actions. */
  readonly verbose: boolean;
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
      return [paint('verdict', `${event.index + 1} ${printable(event.title)}`, options.colour)];
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

function signed(
  outcome: keyof typeof signs,
  node: string,
  text: string,
  elapsedMs: number,
  options: RunLineOptions,
): string[] {
  const sign = paint(roles[outcome], signs[outcome], options.colour);
  const head = node === '' ? '' : padEnd(printable(node), 15);
  const lines = wrap(`${printableProse(text)}  ${duration(elapsedMs)}`, options.width, `      ${head}`, '        ');
  return lines.map((line, index) => (index === 0 ? `  ${sign}  ${line.slice(6)}` : line));
}

/** What is waited for, what was seen last, how long, and the limit. */
export function waitingLines(event: Extract<RunEvent, { type: 'waiting' }>, options: RunLineOptions): string[] {
  const late = event.elapsedMs * 2 > event.limitMs;
  const text = `waiting until ${event.says}: ${event.seen}; ${duration(event.elapsedMs)} of at most ${duration(event.limitMs)}`;
  const lines = wrap(printableProse(text), options.width, '  ..  ', '      ');
  return late ? lines.map((line) => paint('warn', line, options.colour)) : lines;
}

/** The last screen of a run: what is true now, what was given up, what is left to do, where the report is. */
export function renderRunEnd(
  result: RunResult,
  facts: {
    readonly headline: string;
    readonly next: readonly string[];
    readonly report: string;
    readonly lines: readonly string[];
  },
  options: { readonly width: number; readonly colour: boolean },
): string {
  const verdict = wrap(facts.headline, options.width).map((line) => paint('verdict', line, options.colour));
  const proof = result.proof.map((item) => signedProof(item, options));
  const left = result.leftToDo.flatMap((item, index) => [
    ...wrap(printableProse(item.says), options.width, `  ${index + 1}  `, '     '),
    ...(item.next ? [`       ${printable(item.next)}`] : []),
  ]);
  const blocks = [
    verdict,
    proof.flat(),
    facts.lines.map((line) => `  ${line}`),
    left.length > 0 ? ['Left to do', ...left] : [],
    ['Next:', ...facts.next.map((line) => `  ${line}`), `  report  ${facts.report}`],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function signedProof(
  item: RunResult['proof'][number],
  options: { readonly width: number; readonly colour: boolean },
): string[] {
  const sign = item.ok ? paint('good', 'ok', options.colour) : paint('danger', 'x ', options.colour);
  const lines = wrap(printableProse(item.says), options.width, '      ', '      ');
  return lines.map((line, index) => (index === 0 ? `  ${sign}  ${line.slice(6)}` : line));
}
