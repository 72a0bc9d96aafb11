import type { Finding } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey, RedisSurvey } from '../model/survey.js';
import { listOf } from './names.js';
import { notAnswering } from './not-answering.js';
import { otherServers } from './other-server.js';

import { twinsOf } from './sentinels.js';
import { hasNewerAof } from './source.js';
import { unknownNodes } from './strangers.js';
import { unseenHosts } from './unseen-host.js';

/** What is wrong or dangerous beside the choice of a master. A finding that blocks lets no plan be carried out. */
export function findingsOf(group: GroupSurvey, hosts: readonly HostSurvey[]): readonly Finding[] {
  return [
    ...unknownNodes(group),
    ...unseenHosts(group, hosts),
    ...duplicateIds(group),
    ...otherServers(group, hosts),
    ...group.redis.flatMap((node) => [
      ...runsAnotherFile(node),
      ...startsOtherwise(node),
      ...loadsTheOlder(node),
      ...roleInAnotherPlace(node),
      ...tooLittleMemory(node),
      ...authGaps(node),
    ]),
    ...group.redis.flatMap(handingOver),
    ...notAnswering(group),
    ...unreadable(group),
    ...foreignHolds(group),
  ];
}

function duplicateIds(group: GroupSurvey): Finding[] {
  return [...twinsOf(group).values()].map((nodes) => ({
    id: 'duplicate-myid',
    severity: 'error' as const,
    nodes,
    says: `${listOf(nodes)} have the same myid: they ignore each other and count as one vote; a plan gives all but the first a new one`,
    blocks: false,
  }));
}

/**
 * A server that was started with another file than fleet.yaml names: what is written there, it never reads. `config_file`
 * of INFO is the path that it was given, made absolute, links not followed (server.c:main); empty without a file.
 */
function runsAnotherFile(node: RedisSurvey): Finding[] {
  const running = known(node.running);
  const named = known(node.config)?.files[0];
  if (!running || named === undefined || running.configFile === named) return [];
  const how = running.configFile === '' ? 'without a config file' : `with ${running.configFile}`;
  return [
    {
      id: 'runs-another-file',
      severity: 'error',
      nodes: [node.node],
      says: `${node.node} was started ${how}, and fleet.yaml names ${named}: what a recovery writes there would not be read`,
      blocks: true,
      next:
        running.configFile === ''
          ? `start ${node.node} with its file, or make fleet.yaml say how it starts`
          : `name ${running.configFile} as the config of ${node.node} in fleet.yaml, or start it with ${named}`,
    },
  ];
}

/** What runs against what the file gives at the next start. */
function startsOtherwise(node: RedisSurvey): Finding[] {
  const running = known(node.running);
  const config = known(node.config);
  if (!running || !config || running.aofEnabled === config.appendonly) return [];
  const says = config.appendonly
    ? `${node.node} runs without AOF, and its file says appendonly yes: its next start would load an AOF that is not there`
    : `${node.node} runs with AOF, and its file says appendonly no: its next start would load the RDB file only`;
  return [
    {
      id: 'aof-differs-from-file',
      severity: 'error',
      nodes: [node.node],
      says,
      blocks: true,
      next: `make ${config.files[0] ?? 'redis.conf'} say what runs, then look again`,
    },
  ];
}

/** Nothing is decided over an AOF that the node would not look at: the operator says which of the two files is its data. */
function loadsTheOlder(node: RedisSurvey): Finding[] {
  if (!hasNewerAof(node)) return [];
  const file = known(node.config)?.files[0] ?? 'redis.conf';
  return [
    {
      id: 'aof-not-loaded',
      severity: 'error',
      nodes: [node.node],
      says: `${node.node} has an AOF that is newer than its RDB file, and its file says appendonly no: its next start would not look at the AOF`,
      blocks: true,
      next: `when the AOF is what ${node.node} had, make ${file} say appendonly yes; else move the AOF out of its directory; then look again`,
    },
  ];
}

/** A role in an include is changed there; one on the command line comes back at every start, whatever the files say. */
function roleInAnotherPlace(node: RedisSurvey): Finding[] {
  const config = known(node.config);
  const from = config?.replicaOf?.from;
  if (!from || from.file === config.files[0]) return [];
  const inFile = config.files.includes(from.file);
  return [
    {
      id: inFile ? 'role-in-include' : 'role-on-command-line',
      severity: inFile ? 'note' : 'error',
      nodes: [node.node],
      says: inFile
        ? `the role of ${node.node} stands in ${from.file}:${from.line}, which its main file includes: a plan changes it there`
        : `the role of ${node.node} stands on the command line that starts it: a restart would bring it back, whatever its files say`,
      blocks: !inFile,
      ...(inFile
        ? {}
        : { next: `take it out of what starts ${node.node}, and into ${config.files[0] ?? 'redis.conf'}` }),
    },
  ];
}

/** A limit that the file sets and the data is above: the next start evicts keys, or refuses every write. */
function tooLittleMemory(node: RedisSurvey): Finding[] {
  const config = known(node.config);
  const running = known(node.running);
  const used = running?.usedMemoryBytes ?? known(node.rdb)?.usedMemoryBytes;
  if (!config || used === undefined || config.maxmemoryBytes === 0n || used <= config.maxmemoryBytes) return [];
  // A process that lives above its own limit has chosen so; one that has another limit has not met this one yet.
  if (running && running.maxmemoryBytes === config.maxmemoryBytes) return [];
  const holds = running ? 'it uses' : 'the process that wrote its file used';
  return [
    {
      id: 'maxmemory-below-data',
      severity: 'error',
      nodes: [node.node],
      says: `the file of ${node.node} says maxmemory ${config.maxmemoryBytes}, and ${holds} ${used} bytes: its next start would evict keys or refuse writes`,
      blocks: true,
      next: `make ${config.files[0] ?? 'redis.conf'} say what the data needs, then look again`,
    },
  ];
}

function authGaps(node: RedisSurvey): Finding[] {
  const config = known(node.config);
  if (!config?.requirepassHash) return [];
  if (config.masterauthHash === undefined)
    return [
      {
        id: 'masterauth-missing',
        severity: 'warning',
        nodes: [node.node],
        says: `${node.node} has a password and no masterauth: it could never follow another master; the plan adds it`,
        blocks: false,
      },
    ];
  return [];
}

function handingOver(node: RedisSurvey): Finding[] {
  const running = known(node.running);
  if (running && running.failoverState !== 'no-failover' && running.failoverState !== '')
    return [
      {
        id: 'failover-under-way',
        severity: 'error',
        nodes: [node.node],
        says: `${node.node} is handing over by FAILOVER (${running.failoverState})`,
        blocks: true,
        next: 'wait until it has ended, then look again',
      },
    ];
  return [];
}

/** Nodes that do not run, and whose files this login may not read: nothing is known of their data, whatever else is. */
function unreadable(group: GroupSurvey): Finding[] {
  const nodes = group.redis.flatMap((node) => {
    const off = node.process.ok && node.process.value === null;
    return off && !node.config.ok && node.config.why === 'denied' ? [{ node, detail: node.config.detail }] : [];
  });
  const [first] = nodes;
  if (first === undefined) return [];
  return [
    {
      id: 'files-not-readable',
      severity: 'error',
      nodes: nodes.map(({ node }) => node.node),
      says: `${listOf(nodes.map(({ node }) => node.node))} cannot be judged: this login may not read redis.conf there (${first.detail})`,
      blocks: true,
      next: 'redis-runbook doctor   says on each host what is missing; with a sudo that asks for a password: a terminal, or sudo-password in the fleet file',
    },
  ];
}

function foreignHolds(group: GroupSurvey): Finding[] {
  const held = [...group.redis, ...group.sentinels].flatMap((node) => {
    const by = known(node.held);
    return by ? [{ node: node.node, run: by.run }] : [];
  });
  if (held.length === 0) return [];
  return [
    {
      id: 'held',
      severity: 'note',
      nodes: held.map((item) => item.node),
      says: `held by run ${[...new Set(held.map((item) => item.run))].join(', ')}: ${held.map((item) => item.node).join(', ')}`,
      blocks: false,
    },
  ];
}
