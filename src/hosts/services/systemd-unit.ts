/** What `systemctl show` says about a unit, as far as holding, stopping and starting needs it. */
export interface UnitState {
  /** The real name: of an alias the unit that it stands for, of a template its instance. */
  readonly id: string;
  readonly names: readonly string[];
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly mainPid: number | null;
  readonly restart: string;
  readonly dropIns: readonly string[];
  readonly fragment: string;
  readonly user: string;
  /** Whether it starts at boot: `enabled`, `disabled`, `static`, `masked`, ... */
  readonly atBoot: string;
  /** Milliseconds until systemd kills a stop that takes too long; null = never. */
  readonly stopLimitMs: number | null;
  readonly needsReload: boolean;
  /** Result of the last start's assertions. */
  readonly assertResult: boolean;
  readonly result: string;
  /** The words of ExecStart; undefined when the unit has none. */
  readonly execStart: readonly string[] | undefined;
}

/** The properties that `parseUnitState` reads. */
export const unitProperties = [
  'Id',
  'Names',
  'LoadState',
  'ActiveState',
  'SubState',
  'MainPID',
  'Restart',
  'DropInPaths',
  'FragmentPath',
  'User',
  'UnitFileState',
  'TimeoutStopUSec',
  'NeedDaemonReload',
  'AssertResult',
  'Result',
  'ExecStart',
] as const;

/** `KEY=VALUE` lines; the last of several counts. */
function parseProperties(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}

const spans: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A time span as systemd prints it (`1min 30s`, `infinity`): milliseconds, null for ever. */
export function parseSpan(text: string): number | null {
  if (text === '' || text === 'infinity') return null;
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]+)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (spans[unit ?? ''] ?? 0), 0);
}

/** The words of `{ path=… ; argv[]=… ; ignore_errors=… }`. systemd joins them with blanks and quotes nothing. */
function argvIn(value: string | undefined): readonly string[] | undefined {
  const argv = /argv\[\]=(.*?) ; (?:ignore_errors|flags)=/.exec(value ?? '')?.[1];
  return argv?.split(' ').filter((word) => word !== '');
}

function wordsOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(' ').filter((word) => word !== '');
}

/** The output of `systemctl show` for one unit. A unit that does not exist has `loadState` not-found. */
export function parseUnitState(text: string): UnitState {
  const properties = parseProperties(text);
  const get = (name: string) => properties.get(name) ?? '';
  const pid = Number(get('MainPID'));
  return {
    id: get('Id'),
    names: wordsOf(get('Names')),
    loadState: get('LoadState'),
    activeState: get('ActiveState'),
    subState: get('SubState'),
    mainPid: Number.isSafeInteger(pid) && pid > 0 ? pid : null,
    restart: get('Restart'),
    dropIns: wordsOf(get('DropInPaths')),
    fragment: get('FragmentPath'),
    user: get('User'),
    atBoot: get('UnitFileState'),
    stopLimitMs: parseSpan(get('TimeoutStopUSec')),
    needsReload: get('NeedDaemonReload') === 'yes',
    assertResult: get('AssertResult') === 'yes',
    result: get('Result'),
    execStart: argvIn(properties.get('ExecStart')),
  };
}

/** Options on the unit's command line that win over its config file: `--supervised systemd --daemonize no`; empty when there is none. */
export function overridingOptions(unit: UnitState): readonly string[] {
  const words = unit.execStart ?? [];
  const first = words.findIndex((word, index) => index > 0 && word.startsWith('--'));
  return first < 0 ? [] : words.slice(first);
}

/** The name with its suffix. Undefined when it is no unit name that may stand on a command line. */
export function unitName(name: string): string | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@\\-]*$/.test(name)) return undefined;
  return /\.[a-z]+$/.test(name) && /\.(service|target|socket|scope|slice)$/.test(name) ? name : `${name}.service`;
}

/** File name of the hold's drop-in; two digits, so that a later local drop-in is seen to win when the hold is verified. */
export const HOLD_DROP_IN = '50-redis-runbook-hold.conf';

/** Stands in a drop-in whose directory was made for it. */
export const MADE_DIRECTORY = '# directory made by redis-runbook';

/**
 * A hold: the unit does not start while the hold file exists, is not started again after it ended, and is not killed
 * while its stop saves, however long that takes (systemd kills after 90 s where a unit says nothing). Throws TypeError
 * for a path that a unit file cannot name. `%` is systemd's, so it is doubled (systemd.unit(5)).
 */
export function holdDropIn(run: string, holdFile: string): string {
  if (!holdFile.startsWith('/') || /[\n\r\0]/.test(holdFile) || /^\s|\s$|\\$/.test(holdFile)) {
    throw new TypeError(`a unit file cannot name ${holdFile}`);
  }
  return `# Held by redis-runbook, run ${run.replace(/[^A-Za-z0-9-]/g, '?')}: the unit does not start.
# To release it: remove this file and ${holdFile}, then systemctl daemon-reload.
[Unit]
AssertPathExists=!${holdFile.replaceAll('%', '%%')}

[Service]
Restart=no
TimeoutStopSec=infinity
`;
}
