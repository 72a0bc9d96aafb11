import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { carry, type Deed } from '../model/deeds.js';
import type { Fleet, Node } from '../model/fleet.js';
import { deedsOf, newFleet, type Program, programs } from '../model/programs.js';
import { surveyOf } from '../model/survey-of.js';
import { type RealFleet, realFleet, type Said, until, WRITE_BYTES } from './real-fleet.js';

/** Histories; the sample of a run of all tests is five times what it tries of the slower series. */
const histories = process.env.RUNBOOK_SOAK_EACH === undefined ? 200 : 5 * Number(process.env.RUNBOOK_SOAK_EACH);
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '4000');
const sum = { histories: 0, deeds: 0, compared: 0, files: 0 };
afterAll(() => {
  console.log(
    `seeds ${firstSeed} to ${firstSeed + histories - 1}: ${sum.histories} histories, ${sum.deeds} deeds, ` +
      `${sum.compared} times all servers as the model has them, ${sum.files} RDB files`,
  );
});

/** Ids of the model and of the servers, each the name of the other: equal where equal, different where different. */
class Names {
  readonly #real = new Map<string, string>();
  readonly #model = new Map<string, string>();

  pair(model: string, real: string): boolean {
    const [known, knownModel] = [this.#real.get(model), this.#model.get(real)];
    return known === undefined && knownModel === undefined ? true : known === real && knownModel === model;
  }

  learn(pairs: readonly (readonly [string, string])[]): void {
    for (const [model, real] of pairs) {
      this.#real.set(model, real);
      this.#model.set(real, model);
    }
  }

  /** The model's name for a real id; the id itself where it has none yet. */
  say(real: string | undefined): string | undefined {
    return real === undefined ? undefined : (this.#model.get(real) ?? real);
  }
}

describe('what the model says of a history is what servers do', () => {
  test.concurrent.each(Array.from({ length: histories }, (_, index) => firstSeed + index))(
    'seed %i',
    async (seed) => {
      const [program] = fc.sample(programs, { seed, numRuns: 1 });
      if (program) await lived({ ...program, old: false });
    },
    600_000,
  );
});

async function lived(program: Program): Promise<void> {
  const model = newFleet(program.nodes);
  const real = await realFleet(model.nodes);
  const names = new Names();
  const done: string[] = [];
  const step = async (planned: Deed) => {
    const deed = planned.what === 'write' ? { ...planned, bytes: WRITE_BYTES } : planned;
    done.push(Object.values(deed).join(' '));
    await real.act(deed, model);
    carry(model, deed);
    afterCopies(model);
    sum.deeds += 1;
    await compare(model, real, names, done);
  };
  try {
    for (const deed of deedsOf(program)) await step(deed);
    // What a dead node holds is seen when it starts.
    for (const node of model.nodes) if (!node.alive) await step({ what: 'start', node: node.name, as: 'master' });
    sum.histories += 1;
  } finally {
    await real.end();
  }
}

/** A copy is followed by a rewrite of the AOF, which is waited for here. */
function afterCopies(model: Fleet): void {
  for (const node of model.nodes)
    if (node.alive && node.aof && !node.appending) carry(model, { what: 'rewrite-aof', node: node.name });
}

async function compare(model: Fleet, real: RealFleet, names: Names, done: readonly string[]): Promise<void> {
  const expected = model.nodes.filter((node) => node.alive).map((node) => modelSays(model, node));
  let seen: readonly ReturnType<typeof realSays>[] = [];
  try {
    await until('the servers to be as the model', async () => {
      const all = await Promise.all(expected.map(async ({ node }) => ({ node, said: await real.said(node) })));
      const pairs = all.flatMap(({ node, said }) => idPairs(model, node, said));
      const tried = new Names();
      tried.learn(pairs);
      const isPaired = pairs.every(([a, b]) => names.pair(a, b) && tried.pair(a, b));
      if (isPaired) names.learn(pairs);
      seen = all.map(({ node, said }) => realSays(real, names, node, said));
      return isPaired && !all.some(({ said }) => said.isBusy) && JSON.stringify(seen) === JSON.stringify(expected);
    });
  } catch {
    expect(seen, done.join('\n')).toEqual(expected);
    throw new Error(`busy, or ids of other classes, after\n${done.join('\n')}`);
  }
  sum.compared += 1;
  compareFiles(model, real, names, done);
}

/** Everything that is compared, in the words of the model. */
function modelSays(model: Fleet, node: Node) {
  const group = surveyOf(model).groups.g;
  const running = group?.redis.find((each) => each.node === node.name)?.running;
  if (!running?.ok) throw new Error(`${node.name} does not run in the model`);
  const { role, replid, replid2, offset, secondOffset, backlogActive, masterLinkUp, keys, changesSinceSave } =
    running.value;
  return {
    node: node.name,
    role,
    replid,
    replid2,
    offset: String(offset),
    secondOffset: secondOffset === undefined ? undefined : String(secondOffset),
    backlogActive,
    backlogFrom: backlogActive ? String(node.backlogFrom) : undefined,
    link: role === 'replica' ? (masterLinkUp ?? false) : undefined,
    of: node.of?.name,
    keys: String(keys),
    changes: String(changesSinceSave),
    writes: [...node.writes].sort((a, b) => a - b),
  };
}

function realSays(real: RealFleet, names: Names, node: string, { running, backlogFrom, writes }: Said) {
  const { role, replid, replid2, offset, secondOffset, backlogActive, masterLinkUp, keys, changesSinceSave } = running;
  return {
    node,
    role,
    replid: names.say(replid),
    replid2: names.say(replid2),
    offset: String(offset),
    secondOffset: secondOffset === undefined ? undefined : String(secondOffset),
    backlogActive,
    backlogFrom: backlogActive ? String(backlogFrom) : undefined,
    link: role === 'replica' ? (masterLinkUp ?? false) : undefined,
    of: role === 'replica' ? real.masterAt(running.masterAddress ?? '') : undefined,
    keys: String(keys),
    changes: String(changesSinceSave),
    writes,
  };
}

function idPairs(model: Fleet, name: string, { running }: Said): readonly (readonly [string, string])[] {
  const node = model.nodes.find((each) => each.name === name);
  if (!node) return [];
  const second = node.replid2 !== undefined && running.replid2 !== undefined;
  return [
    [node.replid, running.replid] as const,
    ...(second ? [[node.replid2 ?? '', running.replid2 ?? ''] as const] : []),
  ];
}

function compareFiles(model: Fleet, real: RealFleet, names: Names, done: readonly string[]): void {
  for (const node of model.nodes) {
    const file = real.file(node.name);
    const said = file && {
      replid: names.say(file.replid),
      offset: file.offset === undefined ? undefined : String(file.offset),
      keys: String(file.keys),
    };
    const expected = node.file && {
      replid: node.file.replid,
      offset: node.file.offset === undefined ? undefined : String(node.file.offset),
      keys: String(node.file.writes.size),
    };
    expect(said, `dump.rdb of ${node.name} after\n${done.join('\n')}`).toEqual(expected);
    if (file) sum.files += 1;
  }
}
