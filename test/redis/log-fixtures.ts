import { readdirSync, readFileSync } from 'node:fs';
import type { RawLine } from '../../src/model/raw-host.js';

const folder = new URL('../fixtures/log/', import.meta.url);

/** The lines of a recorded log. */
export function recorded(name: string): RawLine[] {
  return linesOf(readFileSync(new URL(name, folder), 'latin1'), name);
}

export function recordedNames(start: 'redis' | 'sentinel'): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(start));
}

export function linesOf(text: string, file = 'redis.log'): RawLine[] {
  return text.split('\n').map((line, index) => ({ file, line: index + 1, text: line }));
}
