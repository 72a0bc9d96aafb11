import type { NodeEntry } from '../model/inventory.js';
import type { RawHost, RawServer } from '../model/raw-host.js';
import { known, mapSeen, type Seen } from '../model/seen.js';
import type { NodeServer } from '../model/survey.js';
import { parseInfo } from '../redis/info.js';
import { parseRedisLog } from '../redis/log.js';
import { parseServerLine } from '../redis/versions.js';
import { contentOf, fileOf, logLinesOf, textAnswerOf } from './raw-access.js';

/**
 * The server that a node would start as: what its own program says; where that was not seen, what runs, else the last
 * start in its log. Its RDB is no witness: a replica keeps the file as its master wrote it.
 */
export function serverOf(raw: RawHost, node: NodeEntry): Seen<NodeServer> {
  const answers = [fromProgram(raw, node), fromInfo(raw, node), fromLog(raw, node)];
  return answers.find((answer) => answer?.ok) ?? notTold(raw, node);
}

function notTold(raw: RawHost, node: NodeEntry): Seen<NodeServer> {
  const from = { host: raw.host, node: node.id, source: '--version' };
  if (!raw.reached.ok) return { ...raw.reached, why: 'not-asked', from };
  return { ok: false, why: 'absent', detail: 'neither a program nor a log tells its version', from, at: raw.at };
}

function fromProgram(raw: RawHost, node: NodeEntry): Seen<NodeServer> | undefined {
  const program = programOf(raw, node);
  const value = parseServerLine(program?.says ?? '');
  if (program === undefined || value === undefined) return undefined;
  const source = `${program.path} --version`;
  return { ok: true, value, from: { host: raw.host, node: node.id, source }, at: raw.at };
}

/** The program that the node's unit or script starts; without one the first word of its start command; else the only one. */
function programOf(raw: RawHost, node: NodeEntry): RawServer | undefined {
  const servers = raw.servers ?? [];
  const path = unitProgram(raw, node);
  if (path !== undefined) return servers.find((server) => server.path === path);
  const [first = ''] = node.start;
  const started = servers.find((server) => server.path === first || server.path.endsWith(`/${first}`));
  const versions = new Set(servers.map((server) => parseServerLine(server.says)?.version));
  return started ?? (versions.size === 1 ? servers[0] : undefined);
}

function unitProgram(raw: RawHost, node: NodeEntry): string | undefined {
  const units = raw.units === undefined ? undefined : known(raw.units);
  const properties = units?.find((unit) => unit.node === node.id)?.properties;
  return properties?.Daemon ?? /^\{ path=([^ ;]+) /.exec(properties?.ExecStart ?? '')?.[1];
}

function fromInfo(raw: RawHost, node: NodeEntry): Seen<NodeServer> | undefined {
  return told(
    mapSeen(textAnswerOf(raw, node.id, 'INFO'), (text) => {
      const info = parseInfo(text);
      const valkey = info.get('valkey_version');
      const version = valkey ?? info.get('redis_version');
      return version === undefined ? undefined : { flavour: valkey === undefined ? 'redis' : 'valkey', version };
    }),
  );
}

function fromLog(raw: RawHost, node: NodeEntry): Seen<NodeServer> | undefined {
  const log = contentOf(raw, node.id, 'log', fileOf(raw, node, 'log'), (content) => parseRedisLog(logLinesOf(content)));
  return told(
    mapSeen(log, (events) => {
      const started = events.findLast((event) => event.kind === 'started');
      return started?.kind === 'started' ? { flavour: started.flavour, version: started.version } : undefined;
    }),
  );
}

/** Only a text that is a version counts: it comes from the node. */
function told(seen: Seen<NodeServer | undefined>): Seen<NodeServer> | undefined {
  const { ok } = seen;
  if (!ok || seen.value === undefined || !/^\d+\.\d+\.\d+$/.test(seen.value.version)) return undefined;
  return { ...seen, value: seen.value };
}
