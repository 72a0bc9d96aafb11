import type { PlaceProbe, ProgramProbe } from '../../model/readiness.js';

interface Mount {
  readonly at: string;
  readonly kind: string;
  readonly readOnly: boolean;
}

/** What `PROBE_MACHINE` said. */
export interface MachineAnswer {
  readonly missing: readonly string[];
  readonly systemd: boolean;
  readonly programs: readonly ProgramProbe[];
  readonly mounts: readonly Mount[];
}

/** A path of /proc/mounts: blank, tab, line end and backslash stand there in octal (proc(5)). */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** `v=7.0.15` of `redis-server --version`, and the same of valkey; empty when it said something else. */
function versionIn(said: string): string {
  return /\bv=(\d[\w.-]*)/.exec(said)?.[1] ?? '';
}

/** Reads the lines of `PROBE_MACHINE`; lines that are none of its own (a greeting of the login shell) are passed over. */
export function readMachine(text: string): MachineAnswer {
  const lines = text.split('\n').map((line) => line.split(' '));
  const of = (word: string) => lines.filter(([first]) => first === word).map(([, ...rest]) => rest);
  return {
    missing: of('missing').flatMap(([tool]) => tool ?? []),
    systemd: of('systemd').length > 0,
    programs: of('program').map(([path = '', ...said]) => ({ path, version: versionIn(said.join(' ')) })),
    mounts: of('mount').map(([at = '', kind = '', options = '']) => ({
      at: unescaped(at),
      kind,
      readOnly: options.split(',').includes('ro'),
    })),
  };
}

/** A line of `df -P`: device, blocks, used, available, capacity, mount point (which may hold blanks). */
function dfIn(words: readonly string[]): { readonly freeBytes: bigint; readonly mount: string } | undefined {
  const at = words.findIndex((word, index) => /^\d+%$|^-$/.test(word) && index >= 4);
  const free = words[at - 1];
  if (at < 0 || free === undefined || !/^\d+$/.test(free)) return undefined;
  return { freeBytes: BigInt(free) * 1024n, mount: words.slice(at + 1).join(' ') };
}

/** Reads the lines of `PROBE_PLACES` for the directories that were asked about. */
export function readPlaces(
  text: string,
  directories: readonly string[],
  mounts: readonly Mount[],
): readonly PlaceProbe[] {
  const lines = text.split('\n').map((line) => line.split(/ +/));
  return directories.map((path, index) => {
    const [, there, may, ...rest] = lines.find(([first]) => first === String(index)) ?? [];
    const df = dfIn(rest);
    const mount = mounts.findLast(({ at }) => at === df?.mount);
    return {
      path,
      exists: there === 'yes' ? true : there === 'no' ? false : undefined,
      writable: may === 'yes',
      freeBytes: df?.freeBytes,
      mount: df?.mount ?? '',
      fileSystem: mount?.kind ?? '',
      readOnly: mount?.readOnly ?? false,
    };
  });
}
