import type { Diagnosis } from '../model/diagnosis.js';
import { renderCandidates, renderSetAside } from '../report/candidates-text.js';
import { printable } from '../report/escape.js';
import { paint, wrap } from '../report/layout.js';
import { headlineLines } from '../report/status-text.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';

/** Pages 1 and 2 of a recovery: what is true, who may become master and why, what each choice gives up. */
export function choicePages(judged: Judged, context: Context): string {
  const { diagnosis, survey } = judged;
  const look = { width: context.columns, colour: context.colour };
  const reached = survey.hosts.filter((host) => host.reached.ok).length;
  const aside = renderSetAside(diagnosis, look);
  const blocks = [
    [
      'Nothing is changed until you say so. Stop at any question: Ctrl-C or q.',
      `Looked at ${reached} of ${survey.hosts.length} hosts in ${(survey.elapsedMs / 1000).toFixed(1)} s.`,
    ].join('\n'),
    [paint('verdict', '1/4 THE CHOICE', context.colour), ...headlineLines(diagnosis, look)].join('\n'),
    renderCandidates(diagnosis, look).trimEnd(),
    ...findingBlock(diagnosis, context),
    [
      paint('verdict', '2/4 WHAT EACH CHOICE SETS ASIDE', context.colour),
      aside.trimEnd() || '  Nothing: the recommended master has everything that any node has.',
    ].join('\n'),
    pathBlock(diagnosis, context),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function findingBlock(diagnosis: Diagnosis, context: Context): string[] {
  const lines = diagnosis.findings.flatMap((finding) =>
    wrap(`${finding.id}: ${printable(finding.says)}`, context.columns, finding.blocks ? '  x ' : '  ! ', '    '),
  );
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function pathBlock(diagnosis: Diagnosis, context: Context): string {
  const gentler = diagnosis.path.ruledOut.map((item) => `not ${item.path}: ${item.why}`).join('; ');
  const text = `Recommended path: ${diagnosis.path.recommended} (${diagnosis.path.why}).${gentler ? ` Nothing gentler: ${gentler}.` : ''}`;
  return wrap(printable(text), context.columns).join('\n');
}
