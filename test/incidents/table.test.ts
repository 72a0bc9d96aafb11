import { describe, expect, test } from 'vitest';
import { recordedIncidents } from './recorded.js';
import { allIncidents } from './table.js';
import { diagnosisOf, isWrong, outcomeOf, standingOf } from './verdicts.js';

const incidents = allIncidents();

describe('the table of incidents', () => {
  test('has sixty, each with its source, none twice', () => {
    expect(incidents.length).toBeGreaterThanOrEqual(60);
    expect(new Set(incidents.map(({ name }) => name)).size).toBe(incidents.length);
    for (const { name, source } of incidents)
      expect([name, source]).toEqual([
        name,
        expect.stringMatching(/^(fact: .{20}|https:\/\/github\.com\/.+\/\d+$|recording of )/),
      ]);
  });

  test('has recordings of real processes of four servers, and servers without replication ids', () => {
    const servers = new Set(recordedIncidents().map(({ server }) => server));
    expect(recordedIncidents().length).toBeGreaterThanOrEqual(20);
    expect([...servers].sort()).toEqual(['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1']);
    for (const old of [/^2\.8/, /^3\.2/]) expect(incidents.some(({ server }) => old.test(server))).toBe(true);
  });
});

test('every rule of thumb is wrong somewhere: the table tells them from a proof', () => {
  const wrong = incidents.flatMap((incident) =>
    diagnosisOf(incident).naive.flatMap(({ rule, node }) =>
      standingOf(node, incident.right) === 'wrong' ? [rule] : [],
    ),
  );
  expect(new Set(wrong).size).toBe(5);
});

describe.each(incidents)('$name', (incident) => {
  const diagnosis = diagnosisOf(incident);
  const outcome = outcomeOf(diagnosis);
  const { right } = incident;

  test('no wrong master', () => {
    expect(isWrong(outcome, right), JSON.stringify({ outcome, right })).toBe(false);
  });

  test('what has to be refused is, what is refused may be, and both are explained', () => {
    if ('master' in outcome) return expect(right.refused).toBeUndefined();
    if (right.refused !== undefined) expect(right.refused).toContain(outcome.refused);
    else expect(right.mayRefuse, `${outcome.refused}: ${outcome.says}`).toBeDefined();
    const said = [outcome.says, ...outcome.facts, ...diagnosis.headline].join(' ');
    for (const name of right.names ?? []) expect(said).toContain(name);
    if (outcome.refused === 'wait') return;
    expect([outcome.says, ...outcome.facts].join(' ')).toMatch(/\bpv\d\b/);
    expect(outcome.next.length).toBeGreaterThan(0);
    expect(outcome.next.join(' ')).toMatch(/redis-runbook recover|--without pv|then recover again|then look again/);
  });

  test('whom a refusal offers by name is one of those that are right, or was named as a claim', () => {
    const offered = diagnosis.winner;
    if ('master' in outcome || offered === undefined || right.winners.length === 0) return;
    const said = outcome.facts.join(' ');
    if (!right.winners.includes(offered)) expect(said).toContain(`only ${offered} itself says that it is ahead`);
  });
});
