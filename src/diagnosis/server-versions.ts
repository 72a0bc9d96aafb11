import type { Finding } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, NodeServer, RedisSurvey } from '../model/survey.js';
import { loadsRdb, newestRdbVersion } from '../redis/rdb-versions.js';
import { parseVersion, serverName } from '../redis/versions.js';
import { listOf } from './names.js';

/** A node that could not become a replica of another one, and why. */
export interface TooOld {
  readonly node: string;
  readonly why: string;
}

/**
 * The nodes that could not become replicas of `master`: a full copy is an RDB in the master's own format, and a server
 * refuses a newer one (rdb.c:rdbLoadRio, "Can't handle RDB format version") after it has thrown its own data away
 * (replication.c:readSyncBulkPayload). Nodes whose server is not known are not among them. A node that would not even start
 * with the file that it has, perhaps left by such a copy, is. That later Valkey writes an older format for an older replica
 * when it syncs without a file is not relied on.
 */
export function tooOldFor(master: RedisSurvey, redis: readonly RedisSurvey[]): readonly TooOld[] {
  const sender = known(master.server);
  if (sender === undefined) return [];
  return redis.flatMap((node) => {
    const reader = known(node.server);
    if (node === master || reader === undefined) return [];
    const why = whyNoCopy(sender, reader) ?? whyNoLoad(node);
    return why === undefined ? [] : [{ node: node.node, why }];
  });
}

function whyNoCopy(sender: NodeServer, reader: NodeServer): string | undefined {
  const sends = newestRdbVersion(sender.flavour, parseVersion(sender.version));
  const version = parseVersion(reader.version);
  if (loadsRdb(reader.flavour, version, sends)) return undefined;
  const reads = newestRdbVersion(reader.flavour, version);
  return `${serverName(sender)} sends its data in RDB version ${sends}, and ${serverName(reader)} reads versions up to ${reads}`;
}

/** Why a node that is off would not start with its own RDB file; undefined when nothing is known against it. */
export function whyNoLoad(node: RedisSurvey): string | undefined {
  const server = known(node.server);
  const rdb = known(node.rdb);
  const isOff = node.process.ok && node.process.value === null;
  if (!isOff || server === undefined || rdb === undefined || known(node.config)?.appendonly !== false) return undefined;
  if (loadsRdb(server.flavour, parseVersion(server.version), rdb.version)) return undefined;
  return `the RDB file of ${node.node} is of version ${rdb.version}, which ${serverName(server)}, its server, refuses to load`;
}

/** What follows for the group when `master` is to be master: blocks, because an older node would lose what it has. */
export function olderServers(group: GroupSurvey, master: string): readonly Finding[] {
  const node = group.redis.find((each) => each.node === master);
  const unable = node ? tooOldFor(node, group.redis) : [];
  const [first] = unable;
  const refused = node && whyNoLoad(node);
  if (refused !== undefined) return [wontLoad(master, refused)];
  if (node === undefined || first === undefined) return [];
  const names = unable.map((each) => each.node);
  return [
    {
      id: 'older-server',
      severity: 'error',
      nodes: names,
      says: `${listOf(names)} could not copy from ${master}, which is to be master: ${first.why}; ${names.length === 1 ? 'it' : 'each'} would throw its own data away, fail to load the copy, and try again without end`,
      blocks: true,
      next: [...waysOn(master, names)].reverse().join('; or '),
    },
  ];
}

function wontLoad(node: string, why: string): Finding {
  return {
    id: 'data-too-new',
    severity: 'error',
    nodes: [node],
    says: `${node} would not start: ${why}`,
    blocks: true,
    next: `install on ${node} the server that wrote that file, or a later one, then recover again`,
  };
}

/** What can be done about nodes that could not become replicas of `master`; `flags` are the operator's own so far. */
export function waysOn(
  master: string,
  unable: readonly string[],
  flags = '',
): readonly [upgrade: string, leaveOut: string] {
  const names = listOf(unable);
  return [
    `upgrade the server of ${names} to that of ${master}, then recover again`,
    `redis-runbook recover${flags} --set-aside ${unable.join(',')} --reason "..."   leaves ${names} out: held, its data kept`,
  ];
}

/** Servers of which one could not copy from the other: nothing is wrong until Sentinel promotes the newer one. */
export function mixedServers(group: GroupSurvey): readonly Finding[] {
  const pairs = group.redis.flatMap((master) =>
    tooOldFor(master, group.redis).map(({ node }) => ({ master: master.node, node })),
  );
  if (pairs.length === 0) return [];
  const older = [...new Set(pairs.map((pair) => pair.node))];
  const newer = [...new Set(pairs.map((pair) => pair.master))];
  const says = group.redis.flatMap((node) => {
    const server = known(node.server);
    return server ? [`${node.node} ${serverName(server)}`] : [];
  });
  return [
    {
      id: 'mixed-versions',
      severity: 'warning',
      nodes: older,
      says: `the servers are not of one version (${says.join(', ')}): as soon as ${anyOf(newer)} is promoted, ${listOf(older)} cannot copy from it any more`,
      blocks: false,
      next: `upgrade ${listOf(older)}; until then let Sentinel promote no newer one (replica-priority 0)`,
    },
  ];
}

function anyOf(names: readonly string[]): string {
  return names.length < 2 ? listOf(names) : `one of ${listOf(names)}`;
}
