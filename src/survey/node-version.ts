import type { NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import { known, mapSeen } from '../model/seen.js';
import { parseInfo } from '../redis/info.js';
import { parseRedisLog } from '../redis/log.js';
import { readRdbEdges } from '../redis/rdb.js';
import { parseVersion, type Version } from '../redis/versions.js';
import { contentOf, edgesOf, fileOf, logLinesOf, textAnswerOf } from './raw-access.js';

/** A version and where it comes from, for the source of readings that rest on it. */
export interface NodeVersion {
  readonly version: Version;
  readonly says: string;
}

/** What a node is read as when nothing says its version: the rules of 7.0, multi-part AOF and default saves. */
const assumed: NodeVersion = {
  version: { major: 7, minor: 0, patch: 15 },
  says: 'read as 7.0.15: its version is unknown',
};

/** The version of a node as its process, else its log, else the writer of its RDB tells; undefined when nothing does. */
function ownVersion(raw: RawHost, node: NodeEntry): NodeVersion | undefined {
  return fromInfo(raw, node) ?? fromLog(raw, node) ?? fromRdb(raw, node);
}

/** Own version of each redis node; one that tells none is read as another node of the fleet, else as 7.0.15. */
export function versionsOf(
  nodes: readonly { readonly raw: RawHost; readonly node: NodeEntry }[],
): Map<string, NodeVersion> {
  const own = nodes.map(({ raw, node }) => ({ node, version: ownVersion(raw, node) }));
  const teller = own.find(({ version }) => version !== undefined);
  const other = teller?.version && {
    version: teller.version.version,
    says: `read as ${teller.node.id}'s version: its own is unknown`,
  };
  return new Map(own.map(({ node, version }) => [node.id, version ?? other ?? assumed]));
}

function fromInfo(raw: RawHost, node: NodeEntry): NodeVersion | undefined {
  const info = known(mapSeen(textAnswerOf(raw, node.id, 'INFO'), parseInfo));
  return named(info?.get('valkey_version') ?? info?.get('redis_version'), 'INFO');
}

function fromLog(raw: RawHost, node: NodeEntry): NodeVersion | undefined {
  const log = contentOf(raw, node.id, 'log', fileOf(raw, node, 'log'), (content) => parseRedisLog(logLinesOf(content)));
  const started = known(log)?.findLast((event) => event.kind === 'started');
  return named(started?.kind === 'started' ? started.version : undefined, 'its log');
}

function fromRdb(raw: RawHost, node: NodeEntry): NodeVersion | undefined {
  const file = fileOf(raw, node, 'rdb');
  const size = known(file?.stat)?.sizeBytes ?? 0n;
  const rdb = contentOf(raw, node.id, 'rdb', file, (content) => {
    const { head, tail } = edgesOf(content);
    return readRdbEdges(head, tail, size);
  });
  return named(known(rdb)?.writtenBy, 'its RDB');
}

function named(text: string | undefined, says: string): NodeVersion | undefined {
  try {
    return text === undefined ? undefined : { version: parseVersion(text), says: `version ${text} from ${says}` };
  } catch {
    return undefined;
  }
}
