import type { Candidate, Diagnosis, Naive, Relation } from '../model/diagnosis.js';
import { printable } from './escape.js';
import { padEnd, paint, type Role, type Row, table, wrap } from './layout.js';
import { drawLineage } from './lineage-drawing.js';
import { verdictWord } from './lineage-words.js';
import { bytes, duration, grouped, listed } from './quantities.js';
import { said } from './said.js';

export interface CandidatesOptions {
  readonly width: number;
  readonly colour: boolean;
}

/**
 * Who may become master and why the others not: a row for each candidate with what speaks for and against it, what the
 * usual rules of thumb would have said, and the drawing of the histories. The winner stands first, marked `>`.
 */
export function renderCandidates(diagnosis: Diagnosis, options: CandidatesOptions): string {
  const blocks = [
    [...candidateLines(diagnosis, options), ...naiveLines(diagnosis.naive, options)],
    drawLineage(diagnosis, { words: true }),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function candidateLines(diagnosis: Diagnosis, options: CandidatesOptions): string[] {
  const sorted = [...diagnosis.candidates].sort((a, b) => rank(a, diagnosis) - rank(b, diagnosis));
  const node = Math.max(4, ...sorted.map((each) => printable(each.node).length));
  const verdict = Math.max(7, ...sorted.map((each) => verdictText(each, diagnosis).length));
  const title = `      ${padEnd('NODE', node)}  ${padEnd('VERDICT', verdict)}  FOR AND AGAINST`;
  return [
    paint('quiet', title, options.colour),
    ...sorted.flatMap((each) => oneCandidate(each, diagnosis, { node, verdict }, options)),
  ];
}

const order = [
  'freshest',
  'same-as-freshest',
  'behind',
  'possible-tail',
  'split-off',
  'incomparable',
  'empty',
  'unknown',
];

function rank(candidate: Candidate, diagnosis: Diagnosis): number {
  return candidate.node === diagnosis.winner ? -1 : order.indexOf(candidate.verdict);
}

function verdictText(candidate: Candidate, diagnosis: Diagnosis): string {
  if (candidate.node === diagnosis.winner) return 'recommended';
  const best = diagnosis.candidates.find((each) => each.verdict === 'freshest')?.node ?? diagnosis.winner;
  if (candidate.verdict === 'behind' && best !== undefined) return `behind ${printable(best)}`;
  if (candidate.verdict === 'freshest') return 'freshest';
  return verdictWord(diagnosis, candidate.node);
}

function oneCandidate(
  candidate: Candidate,
  diagnosis: Diagnosis,
  widths: { node: number; verdict: number },
  options: CandidatesOptions,
): string[] {
  const winner = candidate.node === diagnosis.winner;
  const verdict = padEnd(verdictText(candidate, diagnosis), widths.verdict);
  const head = `   ${winner ? '>' : ' '}  ${padEnd(printable(candidate.node), widths.node)}  `;
  const hang = ' '.repeat(head.length + verdict.length + 2);
  const reasons = [
    ...candidate.speaksFor.map((text) => ({ sign: '+', role: 'added' as const, text })),
    ...candidate.speaksAgainst.map((text) => ({ sign: '-', role: 'removed' as const, text })),
  ];
  const lines = reasons.flatMap(({ sign, role, text }) => {
    const [first = '', ...rest] = wrap(said(text, diagnosis), options.width, `${hang}  `, `${hang}  `);
    return [`${paint(role, sign, options.colour)} ${first.trimStart()}`, ...rest];
  });
  const painted = paint(verdictRole(candidate, winner), verdict, options.colour);
  const [first = '', ...rest] = lines;
  return [`${head}${painted}  ${first}`.trimEnd(), ...rest.map((line) => (line.startsWith(hang) ? line : hang + line))];
}

function verdictRole(candidate: Candidate, winner: boolean): Role {
  if (winner) return 'good';
  const roles: Readonly<Partial<Record<Candidate['verdict'], Role>>> = {
    'split-off': 'danger',
    empty: 'danger',
    unknown: 'unknown',
    incomparable: 'unknown',
    'possible-tail': 'warn',
  };
  return roles[candidate.verdict] ?? 'quiet';
}

function naiveLines(naive: readonly Naive[], options: CandidatesOptions): string[] {
  if (naive.length === 0) return [];
  const rules = listed(naive.map((each) => each.rule));
  const answers = naive.map((each) => (each.node === undefined ? 'no answer' : printable(each.node))).join(', ');
  const [first = '', ...rest] = wrap(`${rules} would have said: ${answers}.`, options.width, '   ', '   ');
  return [first.replace(/[a-z]/, (letter) => letter.toUpperCase()), ...rest];
}

/**
 * What each choice of a master gives up, as the survey alone can tell: bytes of history, and seconds where a bound is
 * known. Empty when no choice gives up anything.
 */
export function renderSetAside(diagnosis: Diagnosis, options: CandidatesOptions): string {
  const choices = diagnosis.candidates.filter((each) => each.verdict !== 'unknown');
  const rows = choices.flatMap((choice) => setAsideRows(choice, diagnosis));
  if (rows.every((row) => row.cells[1] === 'nothing')) return '';
  const columns = [
    { title: 'MASTER' },
    { title: 'SETS ASIDE' },
    { title: 'BYTES', align: 'right' as const },
    ...(rows.some((row) => row.cells[3] !== '-') ? [{ title: 'WRITES OF', align: 'right' as const }] : []),
  ];
  return `${table(columns, rows, options).join('\n')}\n`;
}

interface GivenUp {
  readonly node: string;
  readonly bytes: string;
  readonly seconds: string;
}

function setAsideRows(choice: Candidate, diagnosis: Diagnosis): Row[] {
  const others = Object.entries(choice.versus).flatMap(([node, relation]) => givenUp(node, relation));
  if (others.length === 0) return [{ cells: [printable(choice.node), 'nothing', '0', '-'] }];
  return others.map((other, index) => {
    const seconds =
      choice.node === diagnosis.winner ? (consentSeconds(diagnosis, other.node) ?? other.seconds) : other.seconds;
    return { cells: [index === 0 ? printable(choice.node) : '', other.node, other.bytes, seconds] };
  });
}

function consentSeconds(diagnosis: Diagnosis, node: string): string | undefined {
  const consent = diagnosis.consents.find((each) => each.kind === 'set-aside' && printable(each.node) === node);
  return consent?.kind === 'set-aside' && consent.seconds !== undefined ? `${grouped(consent.seconds)} s` : undefined;
}

function givenUp(node: string, relation: Relation): GivenUp[] {
  const name = printable(node);
  if (relation.kind === 'forked')
    return [{ node: name, bytes: relation.otherEndUnknown ? '?' : grouped(relation.otherBytes), seconds: '-' }];
  if (relation.kind === 'contained' && relation.lagBytes !== 0n) {
    const lag = relation.lagBytes;
    return [{ node: `the end of ${name}`, bytes: lag === undefined ? '?' : grouped(lag), seconds: '-' }];
  }
  if (relation.kind === 'incomparable') return [{ node: `${name}, unknown`, bytes: '?', seconds: '?' }];
  if (relation.kind !== 'possible-tail') return [];
  const seconds = relation.boundSeconds === undefined ? '?' : `at most ${duration(relation.boundSeconds * 1000)}`;
  return [{ node: `possible tail of ${name}`, bytes: '?', seconds }];
}

/** One sentence for each consent that the winner needs, for questions and refusals. */
export function consentSentences(diagnosis: Diagnosis): string[] {
  return diagnosis.consents.map((consent) => {
    const node = printable(consent.node);
    const why = said(consent.why, diagnosis);
    if (consent.kind === 'accept-loss') {
      const seconds = consent.seconds === undefined ? 'an unknown time' : duration(consent.seconds * 1000);
      return `${node} as master accepts that the last writes, up to ${seconds}, are on no disk: ${why}`;
    }
    if (consent.kind === 'shrunk') return `${node} holds less than it should: ${why}`;
    const own = consent.ownBytes === undefined ? 'writes' : bytes(consent.ownBytes);
    return `${printable(diagnosis.winner ?? 'the winner')} as master sets aside ${own} of ${node}: ${why}`;
  });
}
