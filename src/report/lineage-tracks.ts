import type { HistoryEdge, Lineage } from '../model/diagnosis.js';
import { printable } from './escape.js';

/** One node's end on the drawing. */
export interface End {
  readonly node: string;
  readonly offset: bigint;
  readonly shown: string;
  readonly word: string;
  /** Nobody recorded where the node really stopped. */
  readonly open: boolean;
  readonly best: boolean;
}

export interface EndOfHistory {
  readonly replid: string;
  readonly end: End;
}

/** A history with what grew out of it. */
export interface Track {
  readonly replid: string;
  readonly letter: string;
  readonly born?: { readonly edge: HistoryEdge; readonly on?: string };
  readonly ends: readonly End[];
  /** By cut, lowest first. */
  readonly children: readonly { readonly cut: bigint; readonly track: Track }[];
}

/** The trees of histories; an edge that would close a circle or give a second parent is left out. */
export function tracksOf(lineage: Lineage, ends: readonly EndOfHistory[]): Track[] {
  const parents = new Map<string, HistoryEdge>();
  for (const edge of lineage.edges) {
    if (!parents.has(edge.child) && !descends(parents, edge.parent, edge.child)) parents.set(edge.child, edge);
  }
  const ids = new Set([...lineage.histories.map((each) => each.replid), ...ends.map((each) => each.replid)]);
  for (const edge of parents.values()) ids.add(edge.parent).add(edge.child);
  const build = (replid: string): Track => {
    const history = lineage.histories.find((each) => each.replid === replid);
    const edge = parents.get(replid);
    const born = edge && { edge, ...(history?.bornOn === undefined ? {} : { on: printable(history.bornOn) }) };
    return {
      replid,
      letter: printable(history?.letter ?? '?'),
      ...(born ? { born } : {}),
      ends: ends
        .filter((each) => each.replid === replid)
        .map((each) => each.end)
        .sort(byOffset),
      children: [...parents.values()]
        .filter((each) => each.parent === replid)
        .sort((a, b) => (a.cut < b.cut ? -1 : 1))
        .map((each) => ({ cut: each.cut, track: build(each.child) }))
        .filter((each) => hasEnds(each.track)),
    };
  };
  return [...ids].filter((replid) => !parents.has(replid)).map(build);
}

function descends(parents: ReadonlyMap<string, HistoryEdge>, from: string, ancestor: string): boolean {
  let current: string | undefined = from;
  while (current !== undefined) {
    if (current === ancestor) return true;
    current = parents.get(current)?.parent;
  }
  return false;
}

function byOffset(a: End, b: End): number {
  if (a.offset === b.offset) return Number(b.best) - Number(a.best);
  return a.offset > b.offset ? -1 : 1;
}

/** Whether any node ends on a history or on one that grew out of it. */
export function hasEnds(track: Track): boolean {
  return track.ends.length > 0 || track.children.some((child) => hasEnds(child.track));
}
