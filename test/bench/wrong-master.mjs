// How often each rule of thumb would pick a wrong master on the table of incidents (test/incidents), beside redis-runbook.
// A rule is wrong where it names a node that lacks writes, or any node where nobody may be taken without being named.
// Ends with 1 when redis-runbook is wrong once. `--list`: which incidents each rule is wrong on.
import { printCells } from './table.mjs';
import { typescript } from './typescript.mjs';

const { load, close } = await typescript();
const { allIncidents } = await load('test/incidents/table.ts');
const { diagnosisOf, isWrong, outcomeOf, standingOf } = await load('test/incidents/verdicts.ts');

const incidents = allIncidents();
const tally = new Map();
const wrongOn = new Map();

function note(rule, standing, name) {
  const counts = tally.get(rule) ?? { right: 0, wrong: 0, 'no answer': 0, refused: 0, careful: 0 };
  counts[standing] += 1;
  tally.set(rule, counts);
  if (standing === 'wrong') wrongOn.set(rule, [...(wrongOn.get(rule) ?? []), name]);
}

for (const incident of incidents) {
  const diagnosis = diagnosisOf(incident);
  for (const { rule, node } of diagnosis.naive) note(rule, standingOf(node, incident.right), incident.name);
  const outcome = outcomeOf(diagnosis);
  note('redis-runbook', standingOfOurs(outcome, incident.right), incident.name);
}
await close();

function standingOfOurs(outcome, right) {
  if (isWrong(outcome, right)) return 'wrong';
  if ('master' in outcome) return 'right';
  return right.refused === undefined ? 'careful' : 'refused';
}

const must = incidents.filter(({ right }) => right.refused !== undefined).length;
const recorded = incidents.filter(({ source }) => source.startsWith('recording')).length;
console.log(
  `${incidents.length} incidents, ${recorded} of them recorded; in ${must} nobody may be taken without being named`,
);
printCells(
  ['rule', 'wrong', 'right', 'no answer', 'refused as it must be', 'refused, not proved'],
  [...tally].map(([rule, { wrong, right, 'no answer': none, refused, careful }]) =>
    [rule, wrong, right, none, refused, careful].map(String),
  ),
);
if (process.argv.includes('--list'))
  for (const [rule, names] of wrongOn)
    console.log(`${rule} is wrong on:\n${names.map((name) => `  ${name}`).join('\n')}`);
process.exitCode = tally.get('redis-runbook').wrong > 0 ? 1 : 0;
