import type { Diagnosis } from '../model/diagnosis.js';
import { actionsOf, type Plan } from '../model/plan.js';
import type { JournalLine, RunResult } from '../model/run.js';
import { markdown, markdownBlock, markdownCode } from './escape.js';

export interface ReportInput {
  readonly plan: Plan;
  readonly diagnosis: Diagnosis;
  readonly journal: readonly JournalLine[];
  readonly result: RunResult;
  readonly who: string;
}

/** What happened, for people: verdict and evidence, decision and reason, timeline, diffs, proof, what is left to do. */
export function renderReport(input: ReportInput): string {
  const { plan, diagnosis, result } = input;
  const blocks = [
    `# Run ${result.run}: ${markdown(plan.runbook)} of ${markdown(plan.group)}`,
    facts(input),
    '## What was true',
    diagnosis.headline.map(markdown).join(' '),
    ...diagnosis.claims.map(claimBlock),
    '## What was decided',
    decisions(input),
    '## Timeline (UTC)',
    timeline(input.journal),
    '## What was changed',
    ...diffs(plan, input.journal),
    '## Proof',
    result.proof.length === 0 ? 'Nothing was proved: the run did not come that far.' : proof(result),
    '## Left to do',
    result.leftToDo.length === 0
      ? 'Nothing.'
      : result.leftToDo
          .map((item) => `- ${markdown(item.says)}${item.next ? `: ${markdownCode(item.next)}` : ''}`)
          .join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function facts({ plan, result, who, journal }: ReportInput): string {
  return [
    `- Result: **${result.outcome}**${result.stoppedIn ? ` in ${markdown(result.stoppedIn)}: ${markdown(result.stoppedWhy ?? '')}` : ''}`,
    `- Who: ${markdown(who)}`,
    `- From ${journal[0]?.at ?? '-'} to ${journal.at(-1)?.at ?? '-'}`,
    ...(result.servingSince ? [`- Serving since ${result.servingSince}`] : []),
    `- Actions: ${result.done} done, ${result.unknown} unknown, ${result.open} open`,
    `- Master: ${markdown(result.master ?? plan.master)}${plan.path === 'failover' ? '' : `; epoch ${plan.epoch}`}`,
    '- Safe to share: no secrets and no key names',
  ].join('\n');
}

function claimBlock(claim: Diagnosis['claims'][number]): string {
  const evidence = claim.evidence.map(
    (item) =>
      `  - ${item.id} ${markdown(item.from.node ?? item.from.host)}, ${markdown(item.place)}: ${markdown(item.says)}`,
  );
  return [`- ${claim.standing}: ${markdown(claim.says)}`, ...evidence].join('\n');
}

function madeBy({ plan, diagnosis }: Pick<ReportInput, 'plan' | 'diagnosis'>): string {
  if (plan.path === 'failover') return ' by Sentinel, which chose among nodes that hold the same';
  return diagnosis.winner === plan.master ? ', as recommended' : ' by the operator';
}

function decisions({ plan, diagnosis, result }: ReportInput): string {
  return [
    `- Path ${diagnosis.path.recommended} was recommended (${markdown(diagnosis.path.why)}); ${plan.path} was taken.`,
    ...diagnosis.path.ruledOut.map((item) => `- Not ${item.path}: ${markdown(item.why)}.`),
    `- ${markdown(result.master ?? plan.master)} ${plan.serves ? 'stayed master' : 'was made master'}${madeBy({ plan, diagnosis })}.`,
    ...plan.setAside.map((node) => `- Set aside: what only ${markdown(node)} holds.`),
    ...(plan.acceptedLoss
      ? [`- Accepted: ${markdown(diagnosis.onNoDisk?.why ?? 'the last writes are on no disk')}.`]
      : []),
    ...(plan.reason ? [`- Reason given: ${markdown(plan.reason)}`] : []),
    ...diagnosis.possibleTails.map(
      (tail) =>
        `- Possible tail: ${markdown(tail.node)}${tail.boundSeconds === undefined ? '' : `, at most ${tail.boundSeconds} s`}.`,
    ),
  ].join('\n');
}

function timeline(journal: readonly JournalLine[]): string {
  const rows = journal
    .filter((line) => line.phase === 'result')
    .map(
      (line) =>
        `| ${line.at.slice(11, 23)} | ${markdown(line.action)} | ${line.outcome ?? ''} | ${markdown(line.text)} |`,
    );
  return ['| time | action | outcome | what |', '|---|---|---|---|', ...rows].join('\n');
}

/** The diffs that were carried out, from the journal; where a file was not reached, the planned one is not shown. */
function diffs(plan: Plan, journal: readonly JournalLine[]): string[] {
  const rewrites = actionsOf(plan).filter(({ kind }) => ['config.rewrite', 'role.lead', 'role.follow'].includes(kind));
  const blocks = rewrites.flatMap((action) => {
    const diff = journal.find((line) => line.action === action.id && Array.isArray(line.detail?.diff))?.detail?.diff;
    if (!Array.isArray(diff) || diff.length === 0) return [];
    return [
      `${markdownCode(`${action.host}:${action.kind === 'config.rewrite' ? action.path : `the config of ${action.node}`}`)}\n\n${markdownBlock(diff.map(String), 'diff')}`,
    ];
  });
  return blocks.length === 0 ? ['No file was changed.'] : blocks;
}

function proof(result: RunResult): string {
  return result.proof
    .map(
      (item) =>
        `- ${item.ok ? 'ok' : 'NOT PROVED'}: ${markdown(item.check)}${item.says ? ` (${markdown(item.says)})` : ''}`,
    )
    .join('\n');
}
