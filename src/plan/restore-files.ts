import { createHash } from 'node:crypto';
import { RunbookError } from '../errors.js';
import { type BackupFile, type BackupManifest, plainPath } from '../model/backup.js';
import type { RestoredFile, RestorePlace } from '../model/plan.js';
import type { NodeServer } from '../model/survey.js';
import { loadsRdb } from '../redis/rdb-versions.js';
import { atLeast, parseVersion, serverName } from '../redis/versions.js';

/** The node that is to load the data: what it will look for, and what it starts as. */
export interface RestoreTarget {
  readonly node: string;
  readonly place: RestorePlace;
  /** Undefined when it could not be seen. */
  readonly server: NodeServer | undefined;
}

/** What was read of a backup's data while it was verified. */
export interface BackupData {
  readonly manifest: BackupManifest;
  /** Format version of its RDB or of its AOF's base; undefined where it has none. */
  readonly rdbVersion: number | undefined;
}

/**
 * The files of a backup under the names that the target will look for, in the order in which they are put there. A node
 * with `appendonly yes` reads its append-only files and nothing else: without any it starts EMPTY beside a dump.rdb (7.0;
 * aof.c:loadAppendOnlyFiles). So an RDB goes there as what it is: the base of a multi-part AOF, or the preamble of a single
 * one (both seen on 7.0.15). No setting is changed for it, and the node is durable from its first write on. Throws
 * RunbookError `blocked` when the target could not load them.
 */
export function restoredFiles(data: BackupData, target: RestoreTarget): readonly RestoredFile[] {
  refuseNewer(data, target);
  const { place } = target;
  const data_ = data.manifest.files.filter(({ path }) => path.startsWith('data/'));
  if (data.manifest.kind === 'rdb') return rdbFiles(data_, place, target);
  if (!place.appendonly) throw ignoresAof(target);
  return data_.some(({ role }) => role === 'aof') ? singleFile(data_, place) : multiPart(data_, target);
}

function refuseNewer({ manifest, rdbVersion }: BackupData, { node, server }: RestoreTarget): void {
  if (rdbVersion === undefined || server === undefined) return;
  if (loadsRdb(server.flavour, parseVersion(server.version), rdbVersion)) return;
  const { source } = manifest;
  throw new RunbookError('blocked', `${node} could not load this backup: its data is of a later format.`, {
    facts: [
      `the backup has RDB format ${rdbVersion}, written by ${serverName({ flavour: source.server, version: source.version })}`,
      `${node} starts ${serverName(server)}, which refuses it (Can't handle RDB format version)`,
    ],
    next: [`install on ${node} the server that wrote it, or a later one`, 'redis-runbook backup list'],
  });
}

/** How the target keeps its append-only files; a server that was not seen is taken for a recent one. */
function keepsParts({ server }: RestoreTarget): boolean {
  return server === undefined || server.flavour === 'valkey' || atLeast(parseVersion(server.version), '7.0');
}

function rdbFiles(files: readonly BackupFile[], place: RestorePlace, target: RestoreTarget): readonly RestoredFile[] {
  const rdb = files.find(({ role }) => role === 'rdb');
  if (rdb === undefined) throw new Error('the backup holds no RDB file');
  if (!place.appendonly) return [stored(rdb, place.dbfilename)];
  if (keepsParts(target)) {
    const name = `${place.appendfilename}.1.base.rdb`;
    return [stored(rdb, `${place.appenddirname}/${name}`), manifestFor(place, `file ${name} seq 1 type b\n`)];
  }
  if (target.server !== undefined && !atLeast(parseVersion(target.server.version), '4.0'))
    throw new RunbookError('blocked', `${target.node} writes an append-only file and could not load an RDB from it.`, {
      facts: [`${serverName(target.server)} reads no RDB at the beginning of an append-only file (4.0 does)`],
      next: [`set appendonly no in the config of ${target.node}, restore, then switch it on again`],
    });
  return [stored(rdb, place.appendfilename)];
}

function ignoresAof({ node }: RestoreTarget): RunbookError {
  return new RunbookError(
    'blocked',
    `${node} has appendonly no: it would not read the append-only files of this backup.`,
    {
      facts: ['what a server loads is decided by that setting alone, not by the files that are there'],
      next: [
        'redis-runbook backup list   for one of kind rdb',
        `set appendonly yes in the config of ${node}, then again`,
      ],
    },
  );
}

/** Redis 7.0 and later take a single file for the base of their first manifest (aof.c:aofUpgradePrepare). */
function singleFile(files: readonly BackupFile[], place: RestorePlace): readonly RestoredFile[] {
  return files.flatMap((file) => (file.role === 'aof' ? [stored(file, place.appendfilename)] : []));
}

/** The parts keep the names that their manifest has for them; the manifest gets the name that the target looks for, last. */
function multiPart(files: readonly BackupFile[], target: RestoreTarget): readonly RestoredFile[] {
  const { place, node, server } = target;
  if (!keepsParts(target))
    throw new RunbookError('blocked', `${node} cannot read an append-only file of several parts.`, {
      facts: [`${server === undefined ? 'its server' : serverName(server)} is older than 7.0`],
      next: ['redis-runbook backup list   for one of kind rdb', `install a later server on ${node}`],
    });
  const parts = files.filter(({ role }) => role === 'aof-base' || role === 'aof-incr');
  const manifest = files.filter(({ role }) => role === 'aof-manifest');
  const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return [
    ...parts.map((file) => stored(file, `${place.appenddirname}/${name(plainPath(file))}`)),
    ...manifest.map((file) => stored(file, `${place.appenddirname}/${place.appendfilename}.manifest`)),
  ];
}

function stored({ path, sizeBytes, sha256, compressed }: BackupFile, to: string): RestoredFile {
  const is =
    compressed === undefined
      ? { sizeBytes, sha256 }
      : { sizeBytes: compressed.plainBytes, sha256: compressed.plainSha256 };
  return { from: { stored: path }, to, ...is };
}

function manifestFor({ appenddirname, appendfilename }: RestorePlace, text: string): RestoredFile {
  return {
    from: { text },
    to: `${appenddirname}/${appendfilename}.manifest`,
    sizeBytes: BigInt(text.length),
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}
