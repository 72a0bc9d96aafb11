import { basename, dirname, join } from 'node:path';
import type { NodeEntry } from '../../../model/inventory.js';
import type { RawContent, RawFile, RawLine } from '../../../model/raw-host.js';
import type { Secret } from '../../../model/secret.js';
import type { Seen } from '../../../model/seen.js';
import { fileError } from '../../local-files.js';
import type { ConfigLook } from '../../look-config.js';
import { type LookContext, mayRead, readFileOf, type ServiceUser } from '../../look-file.js';
import { MOST_MATCHES, masked, rotatedNames } from '../../look-log.js';
import { saw } from '../../reading.js';
import type { PathFacts } from './evidence.js';
import type { Replay } from './replay.js';

interface LogLines {
  readonly matches: readonly RawLine[];
  readonly tail: readonly RawLine[];
}

/** The lines of a body; where the script cut it in front, its first line is not one. */
function linesIn(body: Buffer): readonly string[] {
  const lines = new TextDecoder().decode(body).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function matchesIn(body: Buffer, file: string): readonly RawLine[] {
  return linesIn(body).flatMap((text): RawLine[] => {
    const found = /^(\d+):(.*)$/s.exec(text);
    return found === null ? [] : [{ file, line: Number(found[1]), text: (found[2] ?? '').replace(/\r$/, '') }];
  });
}

function linesOfLog(facts: PathFacts | undefined, path: string, sizeBytes: bigint): LogLines | undefined {
  const log = facts?.log;
  if (log === undefined) return undefined;
  const file = log.fromByte > 0 ? `${path} (last ${sizeBytes - BigInt(log.fromByte)} bytes)` : path;
  const tail = linesIn(log.tail ?? Buffer.alloc(0));
  const last = log.lines ?? tail.length;
  return {
    matches: matchesIn(log.matches, file),
    tail: tail.map((text, index) => ({ file, line: last - tail.length + 1 + index, text: text.replace(/\r$/, '') })),
  };
}

/** A rotated log that cannot be read is left out, as on this machine. */
async function rotatedLog(replay: Replay, path: string, user: ServiceUser | undefined): Promise<LogLines | undefined> {
  const opened = await replay.open(path, 'follow').catch(() => undefined);
  if (opened === undefined || !mayRead(opened.stat, user)) return undefined;
  return linesOfLog(replay.facts(path), path, opened.stat.sizeBytes);
}

async function rotatedLogs(replay: Replay, path: string, names: readonly string[], user: ServiceUser | undefined) {
  const older = rotatedNames(basename(path), names).filter((name) => name !== basename(path));
  const found = await Promise.all(older.map((name) => rotatedLog(replay, join(dirname(path), name), user)));
  // What the limits left out was never asked for by anybody: not missing.
  for (const name of older) replay.missing.delete(join(dirname(path), name));
  return found.flatMap((log) => log ?? []);
}

function contentOf(logs: readonly LogLines[], tailLines: number, secrets: Iterable<Secret>): RawContent {
  const all = [...secrets];
  const mask = (line: RawLine) => ({ ...line, text: masked(line.text, all) });
  return {
    matches: logs
      .flatMap(({ matches }) => matches)
      .slice(-MOST_MATCHES)
      .map(mask),
    tail: logs
      .flatMap(({ tail }) => tail)
      .slice(-tailLines)
      .map(mask),
  };
}

/** A node's log and its rotated files as the host's own grep found them. */
export function remoteLog(
  context: LookContext,
  replay: Replay,
  node: NodeEntry,
  config: ConfigLook,
  log: { readonly path: string; readonly rotated: readonly string[] },
): Promise<RawFile> {
  const { user } = config;
  const file = { node: node.id, role: 'log', path: log.path, links: 'follow', user } as const;
  return readFileOf(context, file, async (opened, from): Promise<Seen<RawContent>> => {
    const own = linesOfLog(replay.facts(log.path), log.path, opened.stat.sizeBytes);
    if (own === undefined) throw fileError('ENOTASKED', `the lines of ${log.path} were not brought`);
    const older = await rotatedLogs(replay, log.path, log.rotated, user);
    return saw(contentOf([...older, own], context.limits.logTailLines, config.secrets.values()), from);
  });
}
