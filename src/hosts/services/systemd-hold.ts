import { RunbookError } from '../../errors.js';
import type { NodeEntry } from '../../model/inventory.js';
import { holdPath } from '../local-state.js';
import { asRootIn, INSIDE } from '../remote/run-as.js';
import { dropHold, takeHold } from './hold-file.js';
import { command, type ServiceTools } from './service-tools.js';
import {
  HOLD_DROP_IN,
  holdDropIn,
  MADE_DIRECTORY,
  parseUnitState,
  type UnitState,
  unitProperties,
} from './systemd-unit.js';

const PLACES = ['/etc/systemd/system', '/run/systemd/system'] as const;
const SECONDS = 60;
const READ_ONLY = 75;

const RELOADED = `e=$(systemctl daemon-reload 2>&1) || because "$e"
systemctl show --no-pager -p ${unitProperties.join(',')} -- "$UNIT"
`;

const ASSERTED = `printf 'AssertList=%s\\n' "$(busctl get-property org.freedesktop.systemd1 "$5" org.freedesktop.systemd1.Unit Asserts 2> /dev/null)"`;

/** Where a unit stands on the bus: every byte of its name that is no letter or digit in hex (sd_bus_path_encode); all of them may be. */
function busPath(unit: string): string {
  const hex = (byte: number) => `_${byte.toString(16).padStart(2, '0')}`;
  return `/org/freedesktop/systemd1/unit/${[...new TextEncoder().encode(unit)].map(hex).join('')}`;
}

/** Writes the drop-in of a unit below the directory it runs in: $1 unit, $2 name, $3 text, $4 = note of a directory made for it, $5 = the unit on the bus. */
const PLACE = `${INSIDE}UNIT=$1 made=
umask 022
d=./$1.d
[ ! -L "$d" ] || exit 42
if [ ! -d "$d" ]; then
  e=$(mkdir -- "$d" 2>&1) || case $e in *Read-only*) exit ${READ_ONLY} ;; *) because "$e" ;; esac
  made=$4
elif [ -f "$d/$2" ] && grep -qxF "$4" "$d/$2"; then made=$4; fi
t=$(mktemp "$d/.hold.XXXXXXXXXX" 2>&1) || case $t in *Read-only*) exit ${READ_ONLY} ;; *) because "$t" ;; esac
trap 'rm -f -- "$t"' EXIT
e=$(printf '%s%s\\n' "$3" "$made" 2>&1 > "$t") || because "$e"
chmod 0644 "$t"
sync "$t" 2> /dev/null || sync
e=$(mv -fT -- "$t" "$d/$2" 2>&1) || because "$e"
trap - EXIT
sync "$d" . 2> /dev/null || sync
${RELOADED}${ASSERTED}`;

/** Removes the drop-in below /etc and below /run, and its directory where it was made for it and is empty: $1 unit, $2 name, $3 note. */
const REMOVE = `${INSIDE}UNIT=$1
for d in "./$1.d" "/run/systemd/system/$1.d"; do
  [ ! -L "$d" ] || exit 42
  [ -f "$d/$2" ] || continue
  made=; ! grep -qxF "$3" "$d/$2" || made=yes
  e=$(rm -f -- "$d/$2" 2>&1) || because "$e"
  [ -z "$made" ] || rmdir -- "$d" 2> /dev/null
  sync "$d/.." 2> /dev/null || sync
done
${RELOADED}:`;

interface Shown {
  readonly unit: UnitState;
  /** The assertions as busctl prints them; undefined where there is no busctl. */
  readonly asserts: string | undefined;
}

function shown(text: string): Shown {
  const list = /^AssertList=(.*)$/m.exec(text)?.[1];
  return { unit: parseUnitState(text), asserts: list === '' ? undefined : list };
}

/** What keeps the drop-in from holding, or undefined. A later drop-in may set the same things again. */
function weakness({ unit, asserts }: Shown, path: string, holdFile: string): string | undefined {
  if (!unit.dropIns.includes(path)) return `systemd does not read ${path}`;
  if (unit.restart !== 'no') return `Restart is ${unit.restart} all the same`;
  if (unit.needsReload) return 'systemd did not read its files again';
  // systemctl prints assertions as `[unprintable]` (seen on systemd 252), so only busctl tells them.
  return asserts === undefined || asserts.includes(JSON.stringify(holdFile))
    ? undefined
    : 'the assertion on the hold file has no effect';
}

async function place(tools: ServiceTools, unit: UnitState, text: string, signal: AbortSignal) {
  for (const directory of PLACES) {
    const script = asRootIn(PLACE, directory, unit.id, HOLD_DROP_IN, text, MADE_DIRECTORY, busPath(unit.id));
    const { status, said } = await command(tools, script, SECONDS, signal);
    if (status === 0) return { path: `${directory}/${unit.id}.d/${HOLD_DROP_IN}`, shown: shown(said) };
  }
  throw new RunbookError('incomplete', `${tools.entry.name}: ${PLACES.join(' and ')} are read-only: nothing is held`);
}

/** Takes the drop-in away, wherever it is. Throws RunbookError `incomplete` when systemd still reads it. */
export async function releaseUnit(tools: ServiceTools, unit: UnitState, signal: AbortSignal): Promise<void> {
  const script = asRootIn(REMOVE, PLACES[0], unit.id, HOLD_DROP_IN, MADE_DIRECTORY);
  const { said } = await command(tools, script, SECONDS, signal);
  const left = shown(said).unit.dropIns.find((path) => path.endsWith(`/${unit.id}.d/${HOLD_DROP_IN}`));
  if (left === undefined) return;
  throw new RunbookError('incomplete', `${tools.entry.name}: ${left} is still in effect: ${unit.id} is not released`);
}

/**
 * Holds a unit: the hold file first, then the drop-in below /etc/systemd/system (covers aliases, survives a power cut),
 * or below /run where /etc is read-only (does not survive a boot). Answers with the unit as held. Seen to be in effect before it returns; when it is
 * not, everything is taken back and RunbookError `incomplete` says what stands against it.
 */
export async function holdUnit(
  tools: ServiceTools,
  node: NodeEntry,
  unit: UnitState,
  run: string,
  signal: AbortSignal,
): Promise<UnitState> {
  const holdFile = holdPath(tools.entry, node);
  const text = holdDropIn(run, holdFile);
  await takeHold({ ...tools, node }, run, signal);
  const placed = await place(tools, unit, text, signal);
  const wrong = weakness(placed.shown, placed.path, holdFile);
  if (wrong === undefined) return placed.shown.unit;
  await releaseUnit(tools, placed.shown.unit, signal);
  await dropHold({ ...tools, node }, signal);
  throw new RunbookError('incomplete', `${node.id}: ${unit.id} cannot be held: ${wrong}`, {
    facts: placed.shown.unit.dropIns.map((path) => `drop-in ${path}`),
  });
}

/** Whether a hold would be lost at the next boot: its drop-in stands below /run. */
export function isLostAtBoot(unit: UnitState): boolean {
  return unit.dropIns.includes(`/run/systemd/system/${unit.id}.d/${HOLD_DROP_IN}`);
}
