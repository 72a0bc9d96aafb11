import type { Action, Batch, Plan, Stage } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { markdown, markdownBlock, markdownCode } from './escape.js';
import { effectSays, undoSays } from './path-words.js';

/**
 * The plan as a paper that a person could follow by hand: exact commands, diffs, check boxes, how to verify each step
 * and how to undo it. Secrets are not in a plan, so they are not in here.
 */
export function renderPlanMarkdown(plan: Plan): string {
  const blocks = [
    `# ${markdown(plan.runbook)}: ${markdown(plan.group)}`,
    intro(plan),
    ...plan.stages.flatMap((stage, index) => stageBlocks(plan, stage, index)),
    undoBlock(plan),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function intro(plan: Plan): string {
  const lines = [
    `- ${plan.serves ? 'Master, as now' : 'New master'}: **${markdown(plan.master)}**`,
    `- Replicas: ${plan.replicas.map(markdown).join(', ') || 'none'}`,
    `- Sentinels: ${plan.sentinels.map(markdown).join(', ') || 'none'}`,
    `- Actions: ${actionsOf(plan).length} on ${plan.hosts.map(markdown).join(', ')}`,
    `- Epoch for every sentinel: ${plan.epoch}, or one more than the highest that any sentinel file holds when it is rewritten`,
    `- What it costs: ${markdown(effectSays(plan))}`,
    ...(plan.expectedKeys === undefined
      ? []
      : [`- Keys that ${markdown(plan.master)} is expected to load: ${plan.expectedKeys}`]),
    ...plan.setAside.map((node) => `- Set aside: what only ${markdown(node)} holds`),
    ...(plan.acceptedLoss ? ['- Accepted: the last writes are on no disk'] : []),
    ...(plan.reason ? [`- Reason given: ${markdown(plan.reason)}`] : []),
    ...plan.leftOut.map(
      ({ host, node = host, why, next }) => `- Left out: ${markdown(node)} (${markdown(why)}); ${markdown(next)}`,
    ),
    ...(plan.withoutFailover ?? []).map(
      (name) => `- While the sentinels are held, no automatic failover for ${markdownCode(name)}`,
    ),
    ...plan.scripts.map((script) => `- Sentinel would have run, and nothing here does: ${markdownCode(script)}`),
  ];
  return [
    ...lines,
    '',
    'RUN in a path stands for the four letters of the run; by hand, any word that stays the same to the end.',
    'Commands are typed on the host that their box names. Tick a box when what it expects is true, not before.',
  ].join('\n');
}

function stageBlocks(plan: Plan, stage: Stage, index: number): string[] {
  return [
    `## ${index + 1} ${markdown(stage.title)}`,
    `Why: ${markdown(stage.why)}.`,
    ...stage.batches.flatMap((batch) => batchBlocks(plan, batch)),
    `Now: ${markdown(stage.now)}`,
  ];
}

function batchBlocks(plan: Plan, batch: Batch): string[] {
  const actions = Object.values(batch.lanes).flat();
  const waits = batch.then.map(
    (condition) => `- [ ] wait until ${markdown(condition.says)} (at most ${Math.round(condition.limitMs / 1000)} s)`,
  );
  return [
    ...actions.map((action) => actionBlock(action)),
    ...(waits.length > 0 ? [waits.join('\n')] : []),
    ...hand(plan, batch),
  ];
}

function actionBlock(action: Action): string {
  const { says } = action;
  const lines = [`- [ ] **${markdown(action.host)}**: ${markdown(says.text)}`];
  const details = [
    `Expect: ${markdown(says.expect)}`,
    ...(says.verify ? [`Verify: ${markdownCode(says.verify)}`] : []),
    ...(says.hazard ? [`Hazard: ${markdown(says.hazard)}`] : []),
    `Undo: ${markdown(says.undo)}`,
  ];
  const blocks = [
    ...(says.commands.length > 0 ? [markdownBlock(says.commands, 'sh')] : []),
    ...(says.diff && says.diff.length > 0 ? [markdownBlock(says.diff, 'diff')] : []),
    details.join('  \n'),
  ];
  return [...lines, ...blocks.map((block) => indented(block))].join('\n\n');
}

function indented(block: string): string {
  return block
    .split('\n')
    .map((line) => (line === '' ? line : `  ${line}`))
    .join('\n');
}

/** How a person sees by hand what the tool would wait for. */
function hand(plan: Plan, batch: Batch): string[] {
  if (!batch.then.some((condition) => condition.kind === 'sentinels-agree')) return [];
  return [
    [
      'By hand: on every sentinel the master row has exactly the flag `master`, every peer row exactly the flag `sentinel`, and',
      'their `last-hello-message` is smaller than the time since that sentinel was started:',
      '',
      markdownBlock(
        [
          `redis-cli -h SENTINEL -p 26379 SENTINEL MASTER ${plan.group}`,
          `redis-cli -h SENTINEL -p 26379 SENTINEL SENTINELS ${plan.group}`,
        ],
        'sh',
      ),
    ].join('\n'),
  ];
}

function undoBlock(plan: Plan): string {
  if (plan.path === 'failover') return ['## Undo', '', markdown(undoSays(plan))].join('\n');
  if (plan.path === 'sentinels-only' || plan.serves)
    return ['## Undo', '', `${markdown(undoSays(plan))} Then remove the holds and start the sentinels.`].join('\n');
  const starts = actionsOf(plan).filter(
    (action) => action.kind === 'role.lead' || (action.kind === 'service.start' && action.as === 'master'),
  );
  const last = starts.map((action) => markdown(action.says.text)).join(', ') || 'START';
  return [
    '## Undo',
    '',
    `Until "${last}": put each kept config back, remove the holds, start what ran before.`,
    'After the first accepted write going back would lose it. Data files are never put back over newer ones.',
  ].join('\n');
}
