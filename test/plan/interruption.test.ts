import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { RunbookError } from '../../src/errors.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import type { HostEntry, Inventory, NodeEntry, NodeKind } from '../../src/model/inventory.js';
import { type Action, actionsOf, type Plan } from '../../src/model/plan.js';
import type { AofComparison, SentinelSurvey, Survey } from '../../src/model/survey.js';
import { type Choice, decide } from '../../src/plan/choice.js';
import { makePlan } from '../../src/plan/make-plan.js';
import { parseRunbook } from '../../src/plan/runbook-file.js';
import { parseConfig } from '../../src/redis/redis-conf.js';
import { save, start, stop } from '../model/events.js';
import { addressOf, type Fleet, follow, type Node, rewriteAof } from '../model/fleet.js';
import { carriedOut, programs } from '../model/programs.js';
import { surveyOf, truthOf } from '../model/survey-of.js';

const RUNS = Number(process.env.INTERRUPTION_RUNS ?? 1000);
const SEED = Number(process.env.INTERRUPTION_SEED ?? 2000);
const file = 'runbooks/recover-cold.yaml';
const runbook = parseRunbook(file, readFileSync(file, 'utf8'));
const sentinels = ['s0', 's1', 's2'];

function entryOf(host: string, kind: NodeKind, address: string): NodeEntry {
  const id = kind === 'redis' ? host : `${host}/sentinel`;
  const port = kind === 'redis' ? 6379 : 26379;
  return { kind, id, host, address, port, config: `/etc/${kind}.conf`, unit: kind, start: [], group: 'g' };
}

function hostEntry(name: string, kind: NodeKind, address: string): HostEntry {
  const nodes = [entryOf(name, kind, address)];
  return {
    name,
    address,
    transport: 'local',
    become: 'none',
    service: 'process',
    state: '/state',
    nodes,
  } as unknown as HostEntry;
}

function inventoryOf(fleet: Fleet): Inventory {
  const redis = fleet.nodes.map((node) => hostEntry(node.name, 'redis', addressOf(node).replace(/:.*/, '')));
  const others = sentinels.map((name, index) => hostEntry(name, 'sentinel', `10.0.1.${index}`));
  return { fleet: 'model', groups: ['g'], hosts: [...redis, ...others] } as unknown as Inventory;
}

/** What a look finds now; the sentinels' machines are there as well, and none of them runs. */
function lookAt(fleet: Fleet): Survey {
  const survey = surveyOf(fleet);
  const [like] = survey.hosts;
  const more = sentinels.flatMap((host) => (like ? [{ ...like, host }] : []));
  const groups = Object.fromEntries(
    Object.entries(survey.groups).map(([name, group]) => [
      name,
      { ...group, sentinels: group.sentinels.map((each) => ({ ...each, file: monitoring(each.file) })) },
    ]),
  );
  return { ...survey, hosts: [...survey.hosts, ...more], groups };
}

/** The model's sentinel files say what they say, and have no lines: a plan needs one to rewrite. */
function monitoring(file: SentinelSurvey['file']): SentinelSurvey['file'] {
  if (!file.ok) return file;
  const lines = parseConfig('/s.conf', 'sentinel monitor g 10.0.0.1 6379 2\n');
  return { ...file, value: { ...file.value, lines } };
}

/** After how many actions a recovery is cut off, how many the one after it does before it is, and so on. */
const cuts = fc.array(fc.nat(45), { minLength: 1, maxLength: 3 });

/** What a recovery knows before it plans: where files can tell how two nodes compare, it asks them first, and they answer what is true. */
function judged(fleet: Fleet): { readonly survey: Survey; readonly diagnosis: Diagnosis } {
  const survey = lookAt(fleet);
  const diagnosis = diagnose(survey, 'g');
  const answers = diagnosis.questions.flatMap((question): AofComparison[] => {
    if (question.kind !== 'aof-contained') return [];
    const of = fleet.nodes.find(({ name }) => name === question.of);
    const within = fleet.nodes.find(({ name }) => name === question.within);
    if (!of || !within) return [];
    const holds = new Set(truthOf(within));
    const value = [...truthOf(of)].every((number) => holds.has(number)) ? 'contained' : 'not-contained';
    const result = { ok: true, value, from: { host: of.name, source: 'comparison' }, at: '' } as const;
    return [{ of: of.name, within: within.name, result, comparedBytes: 4096 }];
  });
  return { survey, diagnosis: answers.length > 0 ? diagnose(survey, 'g', answers) : diagnosis };
}

/** The plan that a recovery would make now with these words; undefined when it would refuse, or has nothing to do. */
function planNow(fleet: Fleet, choice: Choice): Plan | string {
  const { survey, diagnosis } = judged(fleet);
  try {
    const decision = decide(diagnosis, choice);
    const [lacks] = decision.missing;
    if (lacks) return `${lacks.kind} ${lacks.node}: ${lacks.why}`;
    return makePlan({ runbook, inventory: inventoryOf(fleet), survey, diagnosis, decision });
  } catch (error) {
    if (error instanceof RunbookError) return [error.message, ...error.facts].join('; ');
    throw error;
  }
}

/** The words that the first plan needs: everything that it asks for is given, as an operator would who accepts it. */
function choiceFor(fleet: Fleet): Choice | undefined {
  const none: Choice = { setAside: [], without: [], hostIsOff: [] };
  const { diagnosis } = judged(fleet);
  try {
    const { missing, master } = decide(diagnosis, none);
    const setAside = missing.flatMap((consent) => (consent.kind === 'set-aside' ? [consent.node] : []));
    const loses = missing.some((consent) => consent.kind !== 'set-aside');
    const words = { ...none, promote: master, setAside, reason: 'model', ...(loses ? { acceptLoss: master } : {}) };
    return missing.length === 0 ? none : words;
  } catch (error) {
    if (error instanceof RunbookError) return undefined;
    throw error;
  }
}

/** Does to the model what one action does to a fleet. */
function carry(fleet: Fleet, action: Action, plan: Plan): void {
  const node = fleet.nodes.find((each) => each.name === action.node);
  if (action.kind === 'config.rewrite' && action.intent.kind === 'sentinel.conf')
    point(fleet, plan, action.intent.epoch);
  if (!node) return;
  if (action.kind === 'data.save') save(fleet, node);
  if (action.kind === 'service.stop' && action.mode !== 'already-stopped') stopped(fleet, node, action.mode === 'save');
  if (action.kind === 'service.start' && action.as === 'master') start(fleet, node, 'master');
  if (action.kind === 'service.start' && action.as === 'replica') startReplica(fleet, node, plan);
}

/** A node that has no save points is given one before it is stopped: what it holds is on its disk afterwards. */
function stopped(fleet: Fleet, node: Node, saves: boolean): void {
  if (saves && node.alive && !node.aof) save(fleet, node);
  // "Writing initial AOF, can't exit": it is not gone before that is written (server.c:prepareForShutdown).
  if (saves && node.alive && node.aof && !node.appending) rewriteAof(fleet, node);
  stop(fleet, node);
}

function startReplica(fleet: Fleet, node: Node, plan: Plan): void {
  const master = fleet.nodes.find((each) => each.name === plan.master);
  start(fleet, node, 'replica');
  if (master) follow(fleet, node, master);
  rewriteAof(fleet, node);
}

/** Every sentinel file says who is master, one epoch above all; the model has one opinion for all of them. */
function point(fleet: Fleet, plan: Plan, epoch: bigint): void {
  fleet.elected = fleet.nodes.find((each) => each.name === plan.master);
  fleet.epoch = epoch;
  fleet.byHand = false;
}

/** Carries a plan out up to so many actions; whether it came to its end. */
function carryOut(fleet: Fleet, plan: Plan, upTo: number): boolean {
  const actions = actionsOf(plan);
  for (const action of actions.slice(0, upTo)) carry(fleet, action, plan);
  return upTo >= actions.length;
}

test('a recovery that is cut off after any action, looked at and planned again, and cut off again, never takes a staler master, and converges or asks', () => {
  const counted = { planned: 0, cut: 0, again: 0, refused: 0 };
  fc.assert(
    fc.property(programs, cuts, (program, afterSo) => {
      const fleet = carriedOut(program);
      const choice = choiceFor(fleet);
      const first = choice && planNow(fleet, choice);
      fc.pre(choice !== undefined && typeof first === 'object');
      if (!choice || typeof first !== 'object') return;
      counted.planned += 1;
      const winner = fleet.nodes.find((node) => node.name === first.master);
      const freshest = new Set(winner ? truthOf(winner) : []);
      let plan: Plan | string = first;
      for (const [nth, upTo] of [...afterSo, Number.POSITIVE_INFINITY].entries()) {
        // Refused until somebody accepts what the look now shows: nothing is decided, and nothing is lost by that.
        if (typeof plan === 'string') {
          counted.refused += 1;
          return;
        }
        const chosen = fleet.nodes.find((node) => node.name === (plan as Plan).master);
        const holds = new Set(chosen ? truthOf(chosen) : []);
        expect(
          [...freshest].filter((number) => !holds.has(number)),
          `planned again, with ${plan.master}`,
        ).toEqual([]);
        if (carryOut(fleet, plan, upTo)) break;
        counted.cut += 1;
        if (nth > 0) counted.again += 1;
        plan = planNow(fleet, choice);
      }
      const last = typeof plan === 'string' ? first : plan;
      const started = fleet.nodes.filter((node) => [last.master, ...last.replicas].includes(node.name));
      const masters = started.filter((node) => node.role === 'master');
      expect(masters.map((node) => node.name)).toEqual([last.master]);
      expect(started.filter((node) => !node.alive).map((node) => node.name)).toEqual([]);
      for (const node of started) for (const number of freshest) expect(node.writes.has(number)).toBe(true);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  console.log(
    `interruption: ${counted.planned} recoveries, cut off ${counted.cut} times (${counted.again} of them on their way on), ${counted.refused} refused when planned again`,
  );
  expect(counted.planned).toBeGreaterThanOrEqual(RUNS);
  expect(counted.cut).toBeGreaterThan(RUNS / 4);
  expect(counted.again).toBeGreaterThan(RUNS / 4);
  expect(counted.refused).toBeLessThan(counted.cut / 5);
}, 240_000);
