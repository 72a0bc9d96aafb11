import { diagnose } from '../diagnosis/diagnose.js';
import type { Host } from '../hosts/host.js';
import { reasonOf } from '../hosts/reading.js';
import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { Answer, RedisSurvey } from '../model/survey.js';
import { type Compared, type Doubt, doubtsOf } from '../plan/rejoin.js';
import { compareKeys } from '../scratch/compare.js';
import { openScratch, type Scratch, type ScratchSource } from '../scratch/load.js';
import { localServer } from '../scratch/local-server.js';
import { answerQuestions } from '../survey/aof-compare.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';

/** What came out of comparing a host's data with the master's. */
export interface ComparedData {
  /** Judged again with what the bytes of the append-only files say. */
  readonly diagnosis: Diagnosis;
  readonly answers: readonly Answer[];
  /** By node, where only the keys could tell. */
  readonly keys: ReadonlyMap<string, Compared>;
}

/**
 * Where a host that comes back may hold writes that the master never got: looks whether its append-only file ends inside
 * the master's, else loads copies of both in closed servers on this machine and compares key by key. Reads only; what
 * could not be compared says why.
 */
export async function compareData(
  { survey, diagnosis, answers: before = [] }: Judged,
  fleet: Fleet,
  host: string,
  context: Context,
): Promise<ComparedData> {
  const doubts = doubtsOf(survey, diagnosis, host);
  const aofs = doubts.filter(({ node, master }) => [node, master].every((each) => known(each.aof)?.files.length));
  const questions = aofs.map(({ node, master }) => ({
    kind: 'aof-contained' as const,
    of: node.node,
    within: master.node,
  }));
  const more = await answerQuestions(questions, survey, fleet.hosts, context.signal);
  const answers = [...before, ...more];
  const again = more.length === 0 ? diagnosis : diagnose(survey, diagnosis.group, answers);
  const keys = new Map<string, Compared>();
  for (const doubt of doubtsOf(survey, again, host)) {
    if (!context.json && !context.quiet)
      context.stderr(
        `Comparing the keys of ${doubt.node.node} with those of ${doubt.master.node}, in closed servers here.\n`,
      );
    keys.set(doubt.node.node, await compareOne(doubt, fleet.hosts, context.signal));
  }
  return { diagnosis: again, answers, keys };
}

async function compareOne({ node, master }: Doubt, hosts: readonly Host[], signal: AbortSignal): Promise<Compared> {
  const opened: Scratch[] = [];
  try {
    for (const each of [node, master]) opened.push(await load(each, hosts, signal));
    const [left, right] = opened;
    if (left === undefined || right === undefined) throw new Error('two servers are compared');
    const { onlyLeft, different } = await compareKeys(
      { node: node.node, scratch: left },
      { node: master.node, scratch: right },
      {},
      signal,
    );
    return { ok: true, only: onlyLeft.keys, different: different.keys };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, why: reasonOf(error) };
  } finally {
    for (const scratch of opened) await scratch.end().catch(() => undefined);
  }
}

async function load(node: RedisSurvey, hosts: readonly Host[], signal: AbortSignal): Promise<Scratch> {
  const host = hosts.find(({ entry }) => entry.name === node.host);
  const entry = host?.entry.nodes.find(({ id }) => id === node.node);
  if (!host || !entry) throw new Error(`${node.host} cannot be asked`);
  const rdbVersion = known(node.rdb)?.version;
  const local = await localServer([...entry.start.slice(0, 1), 'redis-server', 'valkey-server'], rdbVersion);
  if (!local.ok) throw new Error(local.why);
  return openScratch(
    host.named(entry.config),
    sourceOf(node),
    { server: local.server, debug: true, keepExpired: true },
    signal,
  );
}

/** What the node loads at a start, or wrote last while it runs: an older state of the master is as good, for what it holds was there. */
function sourceOf(node: RedisSurvey): ScratchSource {
  const config = known(node.config);
  const aof = known(node.aof);
  if (config?.appendonly === true && aof !== undefined && aof.files.length > 0) {
    const paths = aof.files.map(({ path }) => path);
    if (aof.layout !== 'multi') return { kind: 'aof', path: paths[0] ?? '' };
    const manifestPath = `${config.dir}/${config.appenddirname}/${config.appendfilename}.manifest`;
    return { kind: 'aof-multi', manifestPath, paths };
  }
  return { kind: 'rdb', path: `${config?.dir ?? '.'}/${config?.dbfilename ?? 'dump.rdb'}` };
}
