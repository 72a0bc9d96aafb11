import type { ErrorWord, RunbookError } from '../errors.js';
import { toJson } from '../model/json.js';
import { printableProse } from '../report/escape.js';
import { widthOf, wrap } from '../report/layout.js';

const width = 78;

/** An error as the operator reads it: `redis-runbook: MESSAGE   [word]`, what is known, what to type next. */
export function errorText(error: RunbookError): string {
  const facts = error.facts.flatMap(factLines);
  const next = error.next.map((line) => `  ${printableProse(line)}`);
  return [
    ...headline(error.message, error.word),
    ...(facts.length > 0 ? ['', ...facts] : []),
    ...(next.length > 0 ? ['', 'Next:', ...next] : []),
    '',
  ].join('\n');
}

/** The same as the one JSON document of a command that failed. */
export function errorJson(error: RunbookError): string {
  const { word, exit, message, facts, next } = error;
  return `${toJson({ schema: 'redis-runbook/error/1', error: { code: word, exit, message, facts, next } })}\n`;
}

function headline(message: string, word: ErrorWord): string[] {
  const lines = wrap(`redis-runbook: ${printableProse(message)}`, width);
  const last = lines.pop() ?? '';
  const sign = `[${word}]`;
  const gap = width - widthOf(last) - sign.length;
  return gap >= 2 ? [...lines, `${last}${' '.repeat(gap)}${sign}`] : [...lines, last, sign.padStart(width)];
}

function factLines(fact: string): string[] {
  const shown = printableProse(fact);
  return widthOf(shown) + 2 <= 80 ? [`  ${shown}`] : wrap(shown, 80, '  ', '    ');
}
