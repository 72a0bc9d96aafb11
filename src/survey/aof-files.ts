import type { AofSummary } from '../model/formats.js';
import type { NodeEntry } from '../model/inventory.js';
import type { RawFile, RawHost } from '../model/raw-host.js';
import { known, mapSeen, type Seen } from '../model/seen.js';
import type { WillGive } from '../model/survey.js';
import { type AofSeen, parseManifest, summariseAof } from '../redis/aof.js';
import { edgesOf, filesOf, notMade, textOf } from './raw-access.js';

/**
 * The append-only files of a node: `absent` when the look saw that there are none, whether or not the node would load
 * them. A manifest that exists and could not be read is that reason.
 */
export function aofOf(raw: RawHost, node: NodeEntry, config: Seen<WillGive>): Seen<AofSummary> {
  const manifest = filesOf(raw, node.id, 'aof-manifest')[0];
  const files = filesOf(raw, node.id, 'aof');
  if (manifest && known(manifest.stat))
    return mapSeen(manifest.content, (content) => summarise(textOf(content), manifest, files));
  const single = files.find((file) => known(file.stat) && isSingle(file, known(config)));
  if (single) return mapSeen(single.stat, () => summariseAof({ files: seenFiles([single]), ...endOf(single) }));
  const missing = [manifest, ...files].flatMap((file) => (file && !file.stat.ok ? [file.stat] : []));
  return missing.find((stat) => stat.why !== 'absent') ?? missing[0] ?? notMade(raw, node.id, 'aof');
}

/** The one file of 6.2 and earlier stands in `dir` itself; files below the AOF directory need their manifest. */
function isSingle(file: RawFile, config: WillGive | undefined): boolean {
  return config === undefined || baseName(file.path) === config.appendfilename;
}

function summarise(text: string, manifest: RawFile, files: readonly RawFile[]): AofSummary {
  const entries = parseManifest(text).entries;
  const named = (name: string | undefined) => files.find((file) => baseName(file.path) === name);
  const base = edges(named(entries.find((entry) => entry.type === 'b')?.name));
  const last = named(entries.findLast((entry) => entry.type === 'i')?.name);
  return summariseAof({
    manifest: { path: manifest.path, text },
    files: seenFiles(files),
    ...(base ? { base } : {}),
    ...(last ? endOf(last) : {}),
  });
}

function seenFiles(files: readonly RawFile[]): AofSeen['files'] {
  return files.flatMap((file) => {
    const stat = known(file.stat);
    return stat
      ? [{ name: baseName(file.path), path: file.path, sizeBytes: stat.sizeBytes, mtimeMs: stat.mtimeMs }]
      : [];
  });
}

/** The last bytes of a file; all of it where head and tail meet. */
function endOf(file: RawFile): Pick<AofSeen, 'lastTail'> {
  const bytes = edges(file);
  if (!bytes) return {};
  const { head, tail } = bytes;
  if (BigInt(head.length + tail.length) < (known(file.stat)?.sizeBytes ?? 0n)) return { lastTail: tail };
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return { lastTail: whole };
}

function edges(file: RawFile | undefined): { readonly head: Uint8Array; readonly tail: Uint8Array } | undefined {
  return file && known(mapSeen(file.content, edgesOf));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
