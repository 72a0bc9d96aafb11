import { runningPlace } from '../../execute/data-place.js';
import { answerOf, configOf, infoOf, nodeAt, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { WritableHost } from '../../hosts/host.js';
import type { RedisSurvey, RunningRedis } from '../../model/survey.js';
import type { SourceFacts } from '../choose.js';

const SMALL_BYTES = 64 * 1024;
const RUN_MS = 10_000;

/** What `chooseSource` wants to know of the nodes that run, beside what the survey saw. A node that does not answer is left out, and named. */
export async function sourceFacts(
  reach: Reach,
  nodes: readonly RedisSurvey[],
): Promise<{ readonly facts: readonly SourceFacts[]; readonly silent: readonly { node: string; why: string }[] }> {
  const master = nodes.map((node) => node.running).find((seen) => seen.ok && seen.value.role === 'master');
  const end = master?.ok ? master.value.offset : undefined;
  const silent: { node: string; why: string }[] = [];
  const all = await Promise.all(
    nodes.map(async (node) => {
      if (!node.running.ok) {
        silent.push({ node: node.node, why: `it does not answer: ${node.running.detail}` });
        return [];
      }
      return [await factsOf(reach, node, node.running.value, end, nodes.length === 1)];
    }),
  );
  return { facts: all.flat(), silent };
}

async function factsOf(
  reach: Reach,
  node: RedisSurvey,
  running: RunningRedis,
  masterOffset: bigint | undefined,
  isOnly: boolean,
): Promise<SourceFacts> {
  const { host } = nodeAt(reach, node.node);
  const info = await withReader(reach, node.node, (reader) => infoOf(reader, 'all')).catch(() => undefined);
  const diskless = await withReader(reach, node.node, (reader) => configOf(reader, 'repl-diskless-sync')).catch(
    () => undefined,
  );
  const place = await withReader(reach, node.node, runningPlace).catch(() => undefined);
  const [memory, overcommit, disk] = await Promise.all([
    numberIn(host, '/proc/meminfo', /^MemAvailable:\s+(\d+) kB/m, reach.signal),
    numberIn(host, '/proc/sys/vm/overcommit_memory', /^([012])/, reach.signal),
    place === undefined ? undefined : freeBytes(host, place.dir, reach.signal),
  ]);
  const isReplica = running.role === 'replica';
  return {
    node: node.node,
    role: running.role,
    linked: !isReplica || running.masterLinkUp === true,
    loading: running.loading || running.syncInProgress,
    lagBytes: isReplica && masterOffset !== undefined ? atLeastZero(masterOffset - running.offset) : undefined,
    silentSeconds: isReplica ? secondsIn(info?.get('master_last_io_seconds_ago')) : undefined,
    usedMemoryBytes: bigIn(info?.get('used_memory')),
    availableMemoryBytes: memory === undefined ? undefined : memory * 1024n,
    overcommit: overcommit === undefined ? undefined : (Number(overcommit) as 0 | 1 | 2),
    diskFreeBytes: disk,
    lastSnapshotBytes: node.rdbStat.ok ? node.rdbStat.value.sizeBytes : undefined,
    lastSnapshotMemoryBytes: node.rdb.ok ? node.rdb.value.usedMemoryBytes : undefined,
    aof: running.aofEnabled,
    disklessSync: diskless === undefined ? undefined : diskless === 'yes',
    keepsLineage: running.replid !== '' && info?.get('repl_backlog_active') === '1',
    alone: isOnly && info?.get('connected_slaves') === '0' && !(await hasWatcher(reach, node.node)),
  };
}

/** Whether a sentinel is connected, also one that fleet.yaml does not name: it calls its connections so (sentinel.c:sentinelSetClientName). */
async function hasWatcher(reach: Reach, node: string): Promise<boolean> {
  const clients = await withReader(reach, node, (reader) => answerOf(reader, 'CLIENT LIST')).catch(() => undefined);
  return typeof clients !== 'string' || / name=sentinel-[0-9a-f]{8}-/.test(clients);
}

function atLeastZero(value: bigint): bigint {
  return value < 0n ? 0n : value;
}

function bigIn(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}

function secondsIn(text: string | undefined): number | undefined {
  const seconds = Number(text);
  return text === undefined || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds;
}

async function numberIn(
  host: WritableHost,
  path: string,
  form: RegExp,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const seen = await host.read(path, SMALL_BYTES, signal);
  if (!seen.ok) return undefined;
  return bigIn(form.exec(new TextDecoder().decode(seen.value))?.[1]);
}

/** Free bytes for the node's user where a directory is (`df -P`: POSIX); undefined when the host does not say. */
export async function freeBytes(
  host: WritableHost,
  directory: string,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const said = await host.run(['df', '-Pk', '--', directory], { timeoutMs: RUN_MS }, signal).catch(() => undefined);
  const kilobytes = said?.status === 0 ? /^\S.*?\s\d+\s+\d+\s+(\d+)\s+\d+%/m.exec(said.stdout)?.[1] : undefined;
  return kilobytes === undefined ? undefined : BigInt(kilobytes) * 1024n;
}
