import type { NodeEntry } from '../model/inventory.js';
import type { RawHost, RawProcess, Resp } from '../model/raw-host.js';
import { known, mapSeen, type Seen } from '../model/seen.js';
import type { SentinelFile, SentinelSurvey, SentinelView } from '../model/survey.js';
import {
  parseInfoCache,
  parseInfoSentinel,
  parseRunningRedis,
  parseSentinelMaster,
  parseSentinelReplicas,
  parseSentinelSentinels,
} from '../redis/info.js';
import { parseConfig } from '../redis/redis-conf.js';
import { parseSentinelFile, statementOf } from '../redis/sentinel-conf.js';
import { parseSentinelLog } from '../redis/sentinel-log.js';
import { holdOf } from './claims.js';
import { processOf } from './processes.js';
import { answerOf, contentOf, fileOf, logLinesOf, notMade, textAnswerOf, textOf } from './raw-access.js';

/** Everything that a look brought back of one sentinel, as far as it is about `group`. */
export function sentinelSurvey(raw: RawHost, node: NodeEntry, group: string): SentinelSurvey {
  const process = processOf(raw, node);
  const file = fileOf(raw, node, 'sentinel.conf');
  const log = fileOf(raw, node, 'log');
  const gone = <T>(reading: Seen<T>) => withoutProcess(reading, process);
  return {
    node: node.id,
    host: node.host,
    address: node.address,
    port: node.port,
    process,
    running: gone(sentinelRunning(raw, node)),
    view: gone(viewOf(raw, node, group)),
    file: fileSays(raw, node, group),
    fileStat: file?.stat ?? notMade(raw, node.id, 'sentinel.conf'),
    log: contentOf(raw, node.id, 'log', log, (content) => parseSentinelLog(logLinesOf(content))),
    held: holdOf(raw, node.id),
  };
}

/** Known to be absent when no process is there to say it. */
export function withoutProcess<T>(reading: Seen<T>, process: Seen<RawProcess | null>): Seen<T> {
  if (reading.ok || !process.ok || process.value !== null) return reading;
  return { ...reading, why: 'absent', detail: 'no process runs' };
}

export function sentinelRunning(raw: RawHost, node: NodeEntry): SentinelSurvey['running'] {
  const myid = known(textAnswerOf(raw, node.id, 'SENTINEL MYID'));
  return mapSeen(textAnswerOf(raw, node.id, 'INFO'), (text) => {
    const { version, runId, uptimeSeconds, tilt } = parseInfoSentinel(text);
    return { version, runId, myid: myid ?? runId, uptimeSeconds, tilt };
  });
}

/** What the sentinel says of the group; seen only when master, replicas and peers all answered, so that an empty list is one. */
export function viewOf(raw: RawHost, node: NodeEntry, group: string): Seen<SentinelView> {
  const ask = <T>(words: readonly string[], read: (value: Resp) => T): Seen<T> =>
    mapSeen(answerOf(raw, node.id, ...words.map((word) => `SENTINEL ${word} ${group}`)), read);
  const master = ask(['MASTER'], parseSentinelMaster);
  const replicas = ask(['REPLICAS', 'SLAVES'], parseSentinelReplicas);
  const peers = ask(['SENTINELS'], parseSentinelSentinels);
  if (!master.ok) return master;
  if (!replicas.ok) return replicas;
  if (!peers.ok) return peers;
  const { name: _name, replicaCount: _replicas, otherSentinelCount: _others, ...view } = master.value;
  return {
    ...master,
    value: {
      ...view,
      replicas: replicas.value,
      peers: peers.value,
      ...lastHeard(raw, node, group),
      ckquorum: ckquorumOf(raw, node, group),
    },
  };
}

function lastHeard(raw: RawHost, node: NodeEntry, group: string): Pick<SentinelView, 'lastHeard'> {
  const heard = known(
    mapSeen(answerOf(raw, node.id, `SENTINEL INFO-CACHE ${group}`), (answer) => {
      const kept = parseInfoCache(answer);
      return kept && { agoMs: kept.agoMs, ...parseRunningRedis(kept.info) };
    }),
  );
  if (!heard || !Number.isFinite(heard.agoMs)) return {};
  const { agoMs, role, replid, offset } = heard;
  return { lastHeard: { agoMs, role, replid, offset } };
}

/** NOQUORUM is an answer, not a failure to answer. */
function ckquorumOf(raw: RawHost, node: NodeEntry, group: string): SentinelView['ckquorum'] {
  const answer = textAnswerOf(raw, node.id, `SENTINEL CKQUORUM ${group}`);
  if (answer.ok) return { ...answer, value: { ok: answer.value.startsWith('OK'), text: answer.value } };
  if (!answer.detail.startsWith('NOQUORUM')) return answer;
  return { ok: true, value: { ok: false, text: answer.detail }, from: answer.from, at: answer.at };
}

function fileSays(raw: RawHost, node: NodeEntry, group: string): Seen<SentinelFile> {
  const file = fileOf(raw, node, 'sentinel.conf');
  const text = contentOf(raw, node.id, 'sentinel.conf', file, textOf);
  if (!text.ok) return text;
  const path = file?.path ?? node.config;
  if (!monitors(path, text.value, group)) {
    return { ok: false, why: 'absent', detail: `${path} does not monitor ${group}`, from: text.from, at: text.at };
  }
  return mapSeen(text, (value) => parseSentinelFile(path, value, group));
}

function monitors(path: string, text: string, group: string): boolean {
  return parseConfig(path, text)
    .map(statementOf)
    .some((statement) => statement?.sub === 'monitor' && statement.group === group);
}
