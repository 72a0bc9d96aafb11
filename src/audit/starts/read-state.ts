import type { NodeKind } from '../../model/inventory.js';
import { lowerAscii } from '../../redis/tokenise.js';
import type { Target } from '../target.js';
import type { ReadState } from './judge.js';
import type { StartLine } from './lines.js';
import type { SentinelState } from './sentinel-lines.js';

/** What is known before the first line is read; `lines` are all of them. */
export function stateOf(lines: readonly StartLine[], kind: NodeKind, target: Target): ReadState {
  const modules = lines.some((line) => line.name === 'loadmodule');
  return {
    kind,
    target,
    users: new Set(),
    gone: new Set(),
    renamed: new Set(),
    modules,
    sentinel: sentinelState(lines),
  };
}

function sentinelState(lines: readonly StartLine[]): SentinelState {
  const monitors = lines.filter(
    (line) => line.name === 'sentinel' && lowerAscii(line.words?.[1]?.text ?? '') === 'monitor',
  );
  const allMasters = new Set(monitors.map((line) => line.words?.[2]?.text ?? ''));
  return { masters: new Set(), known: new Set(), allMasters, resolves: false };
}

/** The words of a line, none where its quotes do not end. */
export function textsOf(line: StartLine): readonly string[] {
  return line.words?.map((word) => word.text) ?? [];
}
