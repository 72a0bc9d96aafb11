import type { Host } from '../hosts/host.js';
import type { Question } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { Answer, AofComparison, AofFlush, RedisSurvey, Survey } from '../model/survey.js';
import { createContainment } from '../redis/aof-containment.js';
import { createFlushSearch } from './aof-flush.js';
import { verdictOf, type Window, windowsOf } from './aof-windows.js';

/** A file above this is not compared: the answer is `unknown`. */
const limitBytes = 512n * 1024n * 1024n;
/** How much of the end of the former master's file the windows are cut from. */
const endBytes = 1024n * 1024n;

/**
 * Answers what diagnosis asked of the data itself. `aof-contained`: whether the end of `of`'s last incremental file stands
 * byte for byte, and exactly once, in the incrementals of `within`; `not-contained` only when an earlier part of it does
 * stand there, so that the successor's files are known to reach back far enough. Everything else is not known, with the
 * reason. Reads only, all pairs side by side.
 */
export async function answerQuestions(
  questions: readonly Question[],
  survey: Survey,
  hosts: readonly Host[],
  signal: AbortSignal,
): Promise<Answer[]> {
  return Promise.all(
    questions.map((question) =>
      question.kind === 'aof-flushed'
        ? flushOf(question.of, survey, hosts, signal)
        : compare(question, survey, hosts, signal),
    ),
  );
}

type Why = 'absent' | 'denied' | 'too-large' | 'unparseable' | 'not-asked';

/** Why a comparison has no answer; the message is for a person. */
class NotCompared extends Error {
  readonly why: Why;

  constructor(why: Why, message: string) {
    super(message);
    this.why = why;
  }
}

interface Live {
  readonly host: Host;
  readonly files: readonly { readonly path: string; readonly sizeBytes: bigint }[];
}

async function flushOf(node: string, survey: Survey, hosts: readonly Host[], signal: AbortSignal): Promise<AofFlush> {
  const from = { host: node, node, source: `append-only files of ${node}` };
  try {
    const { host, files } = liveFiles(node, survey, hosts);
    const search = createFlushSearch();
    for (const file of files) {
      search.nextFile();
      for await (const chunk of host.stream(file.path, signal, 0n, file.sizeBytes)) search.feed(chunk);
    }
    const found = search.found();
    const base = (known(redisNamed(survey, node).aof)?.files ?? []).filter((file) => file.type === 'base');
    const baseBytes = base.reduce((sum, file) => sum + file.sizeBytes, 0n);
    const value = found === null ? null : { ...found, beforeBytes: found.beforeBytes + baseBytes };
    return { flushed: node, result: { ok: true, value, from, at: survey.at } };
  } catch (error) {
    signal.throwIfAborted();
    return { flushed: node, result: { ok: false, ...reasonOfNotCompared(error), from, at: survey.at } };
  }
}

function reasonOfNotCompared(error: unknown): { readonly why: Why; readonly detail: string } {
  const why = error instanceof NotCompared ? error.why : 'denied';
  return { why, detail: error instanceof Error ? error.message : String(error) };
}

async function compare(
  question: Extract<Question, { kind: 'aof-contained' }>,
  survey: Survey,
  hosts: readonly Host[],
  signal: AbortSignal,
): Promise<AofComparison> {
  const { of, within } = question;
  const base = { of, within };
  const from = { host: within, node: within, source: `append-only files of ${of} and ${within}` };
  try {
    const windows = windowsOf(await endOf(liveFiles(of, survey, hosts), signal));
    if (windows.length === 0)
      throw new NotCompared('unparseable', `${of}'s last append-only file ends in no whole write`);
    const found = await search(windows, liveFiles(within, survey, hosts), signal);
    const verdict = verdictOf(windows, found);
    if (verdict.result === 'unknown') throw new NotCompared('unparseable', verdict.says(of, within));
    return { ...base, result: { ok: true, value: verdict.result, from, at: survey.at }, comparedBytes: verdict.bytes };
  } catch (error) {
    signal.throwIfAborted();
    return { ...base, result: { ok: false, ...reasonOfNotCompared(error), from, at: survey.at }, comparedBytes: 0 };
  }
}

/** The files that hold commands, oldest first: the incrementals, or the single file of 6.2 and earlier. */
function liveFiles(node: string, survey: Survey, hosts: readonly Host[]): Live {
  const redis = redisNamed(survey, node);
  const host = hosts.find((each) => each.entry.name === redis.host);
  const config = host?.entry.nodes.find(({ id }) => id === node)?.config;
  if (!host || config === undefined) throw new NotCompared('not-asked', `${redis.host} cannot be asked`);
  const aof = redis.aof;
  if (!aof.ok)
    throw new NotCompared(aof.why === 'absent' ? 'absent' : 'denied', `${node}'s append-only files: ${aof.detail}`);
  const files = aof.value.files.filter((file) => file.type === 'incr' || file.type === 'single');
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0n);
  if (total > limitBytes) throw new NotCompared('too-large', `${node}'s append-only files have ${total} bytes`);
  return { host: host.named(config), files };
}

function redisNamed(survey: Survey, node: string): RedisSurvey {
  const found = Object.values(survey.groups)
    .flatMap((group) => group.redis)
    .find((redis) => redis.node === node);
  if (!found) throw new NotCompared('not-asked', `the survey has no node ${node}`);
  return found;
}

/** The last bytes of the newest file that holds any. */
async function endOf(
  live: Live,
  signal: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  const last = live.files.findLast((file) => file.sizeBytes > 0n);
  if (!last) throw new NotCompared('absent', 'there is no append-only file with a command in it');
  const size = known(await live.host.stat(last.path))?.sizeBytes ?? last.sizeBytes;
  const start = size > endBytes ? size - endBytes : 0n;
  const chunks: Uint8Array[] = [];
  for await (const chunk of live.host.stream(last.path, signal, start, size)) chunks.push(chunk);
  return { bytes: joined(chunks), whole: start === 0n };
}

/** How often each window stands in the files, read once, as one stream. */
async function search(windows: readonly Window[], live: Live, signal: AbortSignal): Promise<readonly number[]> {
  const searches = windows.map((window) => createContainment(window.bytes));
  for (const file of live.files) {
    for await (const chunk of live.host.stream(file.path, signal, 0n, file.sizeBytes)) {
      for (const each of searches) each.feed(chunk);
    }
  }
  return searches.map((each) => each.found());
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
