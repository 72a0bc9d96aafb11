import type { LogEvent } from '../model/formats.js';
import type { NodeEntry } from '../model/inventory.js';
import type { RawFile, RawHost, RawProcess } from '../model/raw-host.js';
import { known, mapSeen, type Seen } from '../model/seen.js';
import type { RedisSurvey, RunningRedis, WillGive } from '../model/survey.js';
import { flatten, willGive } from '../redis/effective.js';
import { globsOf } from '../redis/globs.js';
import { parseRunningRedis } from '../redis/info.js';
import { lastLocalTime, parseRedisLog } from '../redis/log.js';
import { readRdbEdges } from '../redis/rdb.js';
import { aofOf } from './aof-files.js';
import { holdOf } from './claims.js';
import type { NodeVersion } from './node-version.js';
import { processOf } from './processes.js';
import { contentOf, edgesOf, fileOf, filesOf, logLinesOf, notMade, textAnswerOf, textOf } from './raw-access.js';
import { serverOf } from './server-version.js';

/** Everything that a look brought back of one redis node, read by the rules of its version (7.0.15 when left out). */
export function redisSurvey(raw: RawHost, node: NodeEntry, read: NodeVersion | undefined): RedisSurvey {
  const process = processOf(raw, node);
  const config = configOf(raw, node, read ?? { version: { major: 7, minor: 0, patch: 15 }, says: 'read as 7.0.15' });
  const rdb = fileOf(raw, node, 'rdb');
  const log = fileOf(raw, node, 'log');
  return {
    node: node.id,
    host: node.host,
    address: node.address,
    port: node.port,
    process,
    running: runningOf(raw, node, process),
    server: serverOf(raw, node),
    config,
    configStat: statOf(raw, node, 'redis.conf'),
    rdb: contentOf(raw, node.id, 'rdb', rdb, (content) => {
      const { head, tail } = edgesOf(content);
      return readRdbEdges(head, tail, known(rdb?.stat)?.sizeBytes ?? 0n);
    }),
    rdbStat: statOf(raw, node, 'rdb'),
    aof: aofOf(raw, node, config),
    log: contentOf(raw, node.id, 'log', log, (content): readonly LogEvent[] => parseRedisLog(logLinesOf(content))),
    lastLogLine: lastLineOf(raw, node, log),
    held: holdOf(raw, node.id),
    ...leftoversOf(raw, node),
  };
}

function leftoversOf(raw: RawHost, node: NodeEntry): Pick<RedisSurvey, 'leftovers'> {
  const leftovers = filesOf(raw, node.id, 'leftover').flatMap(({ path, stat }) =>
    stat.ok && stat.value.type === 'file' ? [{ path, stat: stat.value }] : [],
  );
  return leftovers.length === 0 ? {} : { leftovers };
}

function statOf(raw: RawHost, node: NodeEntry, role: 'redis.conf' | 'rdb'): RedisSurvey['rdbStat'] {
  return fileOf(raw, node, role)?.stat ?? notMade(raw, node.id, role);
}

/** What the node says about itself; known to be absent when no process is there to say it. */
export function runningOf(raw: RawHost, node: NodeEntry, process: Seen<RawProcess | null>): Seen<RunningRedis> {
  const running = mapSeen(textAnswerOf(raw, node.id, 'INFO'), parseRunningRedis);
  if (running.ok || !process.ok || process.value !== null) return running;
  const other = running.why === 'denied' ? `; ${running.detail}` : '';
  return { ...running, why: 'absent', detail: `no process runs${other}` };
}

function configOf(raw: RawHost, node: NodeEntry, read: NodeVersion): Seen<WillGive> {
  const main = fileOf(raw, node, 'redis.conf');
  const path = main?.path ?? node.config;
  const config = contentOf(raw, node.id, 'redis.conf', main, (content) => {
    const texts = textsOf(raw, node, path, textOf(content));
    return willGive(
      path,
      flatten(path, texts, read.version, globsOf(texts)),
      argvOf(node, known(main?.content) !== undefined),
      read.version,
    );
  });
  return { ...config, from: { ...config.from, source: `${path} (${read.says})` } };
}

/** The words of fleet.yaml's start command: what they set counts at the next start, after the files. */
function argvOf(node: NodeEntry, seen: boolean): readonly string[] {
  return seen ? node.start : [];
}

/** Main file and includes by path. An include that could not be read is left out, and `flatten` names the gap. */
function textsOf(raw: RawHost, node: NodeEntry, path: string, main: string): ReadonlyMap<string, string> {
  const includes = filesOf(raw, node.id, 'include').flatMap((file): [string, string][] => {
    const content = known(file.content);
    return content && 'text' in content ? [[file.path, content.text]] : [];
  });
  return new Map([...includes, [path, main]]);
}

function lastLineOf(raw: RawHost, node: NodeEntry, log: RawFile | undefined): RedisSurvey['lastLogLine'] {
  const last = contentOf(raw, node.id, 'log', log, (content) => lastLocalTime(logLinesOf(content)));
  if (!last.ok) return last;
  if (last.value) return { ...last, value: last.value };
  return { ok: false, why: 'absent', detail: 'no line with a time', from: last.from, at: last.at };
}
