import { waysOn } from '../diagnosis/server-versions.js';
import { RunbookError } from '../errors.js';
import type { Candidate } from '../model/diagnosis.js';

/** A redis node that stays held at the end of a run because it could not copy from the master, and why. */
export interface LeftOutNode {
  readonly node: string;
  readonly why: string;
}

/**
 * The nodes that could not copy from the chosen master, each set aside by name. Throws RunbookError `blocked` when one is
 * not, or when the master itself would not start with its own file.
 */
export function leftOutFor(
  candidate: Candidate,
  choice: { readonly setAside: readonly string[]; readonly promote?: string },
): readonly LeftOutNode[] {
  const { node: master, tooOld = [], wontLoad } = candidate;
  if (wontLoad !== undefined)
    throw new RunbookError('blocked', `${master} cannot become master: ${wontLoad}.`, {
      next: [`install on ${master} the server that wrote that file, or a later one, then recover again`],
    });
  const open = tooOld.filter(({ node }) => !choice.setAside.includes(node));
  if (open.length === 0) return tooOld;
  const names = tooOld.map(({ node }) => node);
  const flags = choice.promote === undefined ? '' : ` --promote ${choice.promote}`;
  throw new RunbookError('blocked', `${names.join(', ')} could not copy from ${master}, which is to be master.`, {
    facts: [
      ...tooOld.map(({ node, why }) => `${node}: ${why}`),
      'such a replica throws its own data away, fails to load the copy, and tries again without end',
    ],
    next: [...waysOn(master, names, flags)],
  });
}
