import type { Diagnosis, Path } from '../model/diagnosis.js';
import { renderCandidates, renderSetAside } from '../report/candidates-text.js';
import { printable } from '../report/escape.js';
import { paint, wrap } from '../report/layout.js';
import { headlineLines } from '../report/status-text.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';
import { leftoversOf } from './leftovers.js';
import { preFlightLines } from './pre-flight.js';

/** Pages 1 and 2 of a recovery: what is true, who may become master and why, what each choice gives up. */
export function choicePages(judged: Judged, path: Path, context: Context): string {
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
    pathBlock(judged, path, context),
    ...blockOf(preFlightLines(judged, context)),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function blockOf(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function findingBlock(diagnosis: Diagnosis, context: Context): string[] {
  const lines = diagnosis.findings.flatMap((finding) =>
    wrap(`${finding.id}: ${printable(finding.says)}`, context.columns, finding.blocks ? '  x ' : '  ! ', '    '),
  );
  return blockOf(lines);
}

function pathBlock(judged: Judged, taken: Path, context: Context): string {
  const { diagnosis } = judged;
  const gentler = diagnosis.path.ruledOut
    .filter((item) => item.path !== 'nothing')
    .map((item) => `${item.path}: ${item.why}`);
  const { recommended } = diagnosis.path;
  const left = recommended === taken && taken === 'cold' ? undefined : leftoversOf(judged);
  const lines = [
    ...(left ? wrap(goesOn(left.run, taken), context.columns) : []),
    ...wrap(printable(`Recommended path: ${diagnosis.path.recommended} (${diagnosis.path.why}).`), context.columns),
    ...(taken === recommended ? [] : [`The path that is taken: ${taken}.`]),
    ...(gentler.length > 0 ? ['Why nothing gentler:'] : []),
    ...gentler.flatMap((text) => wrap(printable(text), context.columns, '  - ', '    ')),
  ];
  return lines.join('\n');
}

function goesOn(run: string, path: Path): string {
  const again = path === 'cold' ? ' Redis nodes that run are stopped once more, with their data saved.' : '';
  return `Run ${printable(run)} was cut off; this one takes its place, looks at what is true and goes on by the ${path} path.${again}`;
}
