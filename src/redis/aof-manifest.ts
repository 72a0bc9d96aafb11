import { splitArgs } from './tokenise.js';

export interface AofManifestEntry {
  readonly name: string;
  readonly seq: number;
  /** b = base, i = incremental, h = history, already superseded. */
  readonly type: 'b' | 'i' | 'h';
}

const longestLine = 1024;

/**
 * The entries of an AOF manifest (7.0+) in file order. What Redis refuses is refused with Redis' own reason and the
 * line (aof.c:aofLoadManifestFromFile): thrown as Error `line N: REASON`. Unknown keys and comment lines are passed over.
 */
export function parseManifest(text: string): { readonly entries: readonly AofManifestEntry[] } {
  const entries: AofManifestEntry[] = [];
  if (text === '') throw new Error('line 0: Found an empty AOF manifest');
  for (const [index, line] of (text.match(/[^\n]*\n|[^\n]+/g) ?? []).entries()) {
    const refuse = (reason: string): never => {
      throw new Error(`line ${index + 1}: ${reason}`);
    };
    if (line.startsWith('#')) continue;
    // Redis finds no line end in its buffer, and says so for a last line without one too.
    if (!line.endsWith('\n') || line.length > longestLine) refuse('The AOF manifest file contains too long line');
    const { name, seq, type } = parseEntry(line) ?? refuse('Invalid AOF manifest file format');
    if (/[/\\]/.test(name)) refuse("File can't be a path, just a filename");
    if (type !== 'b' && type !== 'i' && type !== 'h') refuse('Unknown AOF file type');
    else entries.push(inOrder({ name, seq, type }, entries, refuse));
  }
  return { entries };
}

function parseEntry(line: string): { name: string; seq: number; type: string } | undefined {
  const words = splitArgs(line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
  if (words === null || words.length < 6 || words.length % 2 !== 0) return undefined;
  let [name, seq, type] = ['', 0, ''];
  for (let at = 0; at < words.length; at += 2) {
    const value = words[at + 1] ?? '';
    const key = (words[at] ?? '').toLowerCase();
    if (key === 'file') name = value;
    else if (key === 'seq') seq = Number.parseInt(value, 10) || 0;
    else if (key === 'type') type = value.charAt(0);
  }
  return name === '' || seq === 0 || type === '' ? undefined : { name, seq, type };
}

function inOrder(
  entry: AofManifestEntry,
  before: readonly AofManifestEntry[],
  refuse: (reason: string) => never,
): AofManifestEntry {
  if (entry.type === 'b' && before.some(({ type }) => type === 'b')) refuse('Found duplicate base file information');
  const lastIncr = before.findLast(({ type }) => type === 'i');
  if (entry.type === 'i' && lastIncr !== undefined && entry.seq <= lastIncr.seq)
    refuse('Found a non-monotonic sequence number');
  return entry;
}
