import type { Claim, Diagnosis, Evidence } from '../model/diagnosis.js';
import type { Survey } from '../model/survey.js';
import { printable } from './escape.js';
import { paint, wrap } from './layout.js';
import { drawLineage } from './lineage-drawing.js';
import { listed } from './quantities.js';
import { said } from './said.js';

export interface WhyOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Below each piece of evidence the line or field itself. */
  readonly verbose?: boolean;
}

/**
 * The evidence behind the verdict: headline, the drawing of the histories, each sentence with what speaks for it, what is
 * not known, why this path and no gentler one, and which id each letter stands for. Prose at most 80 columns.
 */
export function renderWhy(survey: Survey, diagnosis: Diagnosis, options: WhyOptions): string {
  const blocks = [
    wrap(diagnosis.headline.map((each) => said(each, diagnosis)).join(' '), options.width).map((line) =>
      paint('verdict', line, options.colour),
    ),
    drawLineage(diagnosis, { words: false }),
    claimLines(diagnosis, options),
    unknownLines(survey, diagnosis, options),
    pathLines(diagnosis, options),
    historyLines(diagnosis, options),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

interface Places {
  readonly id: number;
  readonly node: number;
  readonly place: number;
}

function claimLines(diagnosis: Diagnosis, options: WhyOptions): string[] {
  const all = diagnosis.claims.flatMap((claim) => claim.evidence);
  const widest = (values: readonly string[], most: number) =>
    Math.min(most, Math.max(0, ...values.map((each) => each.length)));
  const places = {
    id: widest(
      all.map((each) => each.id),
      4,
    ),
    node: widest(all.map(witness), 14),
    place: widest(
      all.map((each) => printable(each.place)),
      24,
    ),
  };
  return diagnosis.claims.flatMap((claim) => [
    ...claimTitle(claim, diagnosis, options),
    ...claim.evidence.flatMap((evidence) => evidenceLines(evidence, diagnosis, places, options)),
  ]);
}

function claimTitle(claim: Claim, diagnosis: Diagnosis, options: WhyOptions): string[] {
  const standing = { proved: '', claimed: ' - said by one witness alone', unknown: ' - not known' }[claim.standing];
  const role = claim.standing === 'unknown' ? 'unknown' : claim.standing === 'claimed' ? 'warn' : undefined;
  const lines = wrap(`"${said(claim.says, diagnosis)}"${standing}`, options.width);
  return role ? lines.map((line) => paint(role, line, options.colour)) : lines;
}

function witness(evidence: Evidence): string {
  return printable(evidence.from.node ?? evidence.from.host);
}

/** `  E1  pv2    redis log 01:13:15   what it says`, the rest of a long saying under its own column. */
function evidenceLines(evidence: Evidence, diagnosis: Diagnosis, places: Places, options: WhyOptions): string[] {
  const id = evidence.id.padEnd(places.id);
  const head = `  ${id}  ${witness(evidence).padEnd(places.node)}  ${printable(evidence.place).padEnd(places.place)}  `;
  const column = 2 + places.id + 2 + places.node + 2 + places.place + 2;
  const hang = ' '.repeat(column);
  const says = wrap(said(evidence.says, diagnosis), options.width, head.length > column ? hang : head, hang);
  const lines = head.length > column ? [head.trimEnd(), ...says] : says;
  const [first = '', ...rest] = lines;
  const shown = first.startsWith(`  ${id}`)
    ? `  ${paint('quiet', id, options.colour)}${first.slice(2 + id.length)}`
    : first;
  return [shown, ...rest, ...rawLines(evidence, options)];
}

function rawLines(evidence: Evidence, options: WhyOptions): string[] {
  if (!options.verbose || evidence.raw === undefined) return [];
  const indent = ' '.repeat(8);
  const source = printable(evidence.from.source);
  const lines = [`${indent}${source}`, ...wrap(printable(evidence.raw), options.width, `${indent}> `, `${indent}  `)];
  return lines.map((line) => paint('quiet', line, options.colour));
}

function unknownLines(survey: Survey, diagnosis: Diagnosis, options: WhyOptions): string[] {
  const silent = survey.hosts.filter((host) => !host.reached.ok).map((host) => printable(host.host));
  const named = diagnosis.unknown.map((each) => said(each, diagnosis));
  const unsaid = silent.filter((host) => !named.some((each) => each.includes(host)));
  const all = unsaid.length > 0 ? [...named, `anything on ${listed(unsaid)}, out of reach`] : named;
  if (all.length === 0) return [];
  const lines = wrap(`Not known: ${all.join('; ')}.`.replace(/\.\.$/, '.'), options.width, '', '  ');
  return lines.map((line) => paint('unknown', line, options.colour));
}

function pathLines(diagnosis: Diagnosis, options: WhyOptions): string[] {
  const { recommended, why, ruledOut } = diagnosis.path;
  const gentlest = wrap(`Path ${recommended}: ${said(why, diagnosis)}`, options.width, '', '  ');
  return [
    ...gentlest,
    ...ruledOut.flatMap((each) => wrap(`not ${each.path}: ${said(each.why, diagnosis)}`, options.width, '  ', '    ')),
  ];
}

function historyLines(diagnosis: Diagnosis, options: WhyOptions): string[] {
  const histories = diagnosis.lineage.histories;
  if (histories.length === 0) return [];
  const names = histories.map(({ letter, replid }) => {
    const id = options.verbose ? printable(replid) : `${printable(replid.slice(0, 8))}...`;
    return `${printable(letter)} = ${id}`;
  });
  if (options.verbose) return names.map((name) => `History ${name}`);
  return wrap(`History ${names.join(', ')}  -v shows the lines themselves.`, options.width, '', '  ');
}
