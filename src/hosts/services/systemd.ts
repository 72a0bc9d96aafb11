import { dirname } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { Seen } from '../../model/seen.js';
import type { Service } from '../host.js';
import { holdPath } from '../local-state.js';
import { missed, missedBy, saw } from '../reading.js';
import { textOf } from '../remote/script.js';
import { shellQuote } from '../shell-quote.js';
import { dropHold, holderOn, isHeldBy, makeHoldDirectory, refuseHeld } from './hold-file.js';
import { knownProcess, portTaken, secondsOf, stopProcess } from './remote-process.js';
import { listeningPattern, PORT_TAKEN, START_UNIT, STILL_RUNNING, STOP_UNIT } from './service-scripts.js';
import { ask, command, type ServiceTools, START_LIMIT_S, startError } from './service-tools.js';
import { holdUnit, isLostAtBoot, releaseUnit } from './systemd-hold.js';
import { HOLD_DROP_IN, parseUnitState, type UnitState, unitName, unitProperties } from './systemd-unit.js';

const SHOW = `LC_ALL=C systemctl show --no-pager -p ${unitProperties.join(',')} -- "$1"`;

/** The unit of a node, checked. Throws RunbookError `fleet-file`. */
function unitOf(node: NodeEntry): string {
  const name = unitName(node.unit);
  if (name === undefined)
    throw new RunbookError('fleet-file', `${node.id}: ${node.unit || '(nothing)'} is no unit name`);
  return name;
}

/** What systemd says about a node's unit now. Rejects with RunbookError `unsupported` where there is no systemd or no such unit. */
async function unitState(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<UnitState> {
  const unit = unitOf(node);
  const result = await ask(tools, { script: SHOW, args: [unit] }, signal);
  const shown = result.status === 0 ? textOf(result.stdout) : '';
  return usable(tools, parseUnitState(shown), { unit, said: textOf(result.stderr) }, signal);
}

/** What systemd said, where it said something of a unit that is there; else RunbookError `unsupported`. */
async function usable(
  tools: ServiceTools,
  state: UnitState,
  asked: { readonly unit: string; readonly said: string },
  signal: AbortSignal,
): Promise<UnitState> {
  if (state.id === '') {
    throw new RunbookError('unsupported', `${tools.entry.name}: systemd does not answer`, {
      facts: [asked.said.trim().slice(0, 300)],
    });
  }
  if (state.loadState === 'not-found') throw await noSuchUnit(tools, asked.unit, signal);
  return state;
}

async function noSuchUnit(tools: ServiceTools, unit: string, signal: AbortSignal): Promise<RunbookError> {
  const script =
    "systemctl list-unit-files --no-pager --no-legend 'redis*' 'valkey*' '*sentinel*' | awk '{ print $1 }'";
  const others = textOf((await ask(tools, { script, args: [] }, signal)).stdout)
    .trim()
    .split('\n')
    .filter(Boolean);
  return new RunbookError('unsupported', `${tools.entry.name} has no unit ${unit}`, {
    facts: [
      `units there: ${others.join(', ') || 'none of redis or valkey'}`,
      `fleet.yaml line ${tools.entry.line}: unit`,
    ],
  });
}

/** What systemd says of its files with `FILE:LINE: ` in front; nothing where there is no systemd-analyze. */
const VERIFY = `LC_ALL=C systemd-analyze verify -- "$1" 2>&1 | grep -E '^/[^ ]+:[0-9]+: ' | head -n 5 | cut -c 1-300`;

/** The unit, to be held. Rejects with RunbookError `unsupported`, file and line, where systemd cannot use what its files say. */
async function usableUnit(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<UnitState> {
  const unit = await unitState(tools, node, signal);
  if (unit.loadState !== 'bad-setting' && unit.loadState !== 'error') return unit;
  const said = textOf((await ask(tools, { script: VERIFY, args: [unit.id] }, signal)).stdout);
  const [first, ...more] = said.split('\n').filter(Boolean);
  const where = first === undefined ? '' : `: ${first}`;
  throw new RunbookError(
    'unsupported',
    `${tools.entry.name}: systemd cannot use ${unit.id} (${unit.loadState})${where}`,
    {
      facts: more,
    },
  );
}

/** The unit's process; where the unit runs none, a server that somebody started beside it counts: the node runs. */
async function pid(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<Seen<number | null>> {
  const from = { host: tools.entry.name, node: node.id, source: `systemctl show ${node.unit}` };
  try {
    const asked = { name: unitOf(node), properties: unitProperties };
    const { process: seen, shown } = await tools.processes.withUnit(node, asked, signal);
    const unit = await usable(tools, parseUnitState(shown), { unit: asked.name, said: shown }, signal);
    if (unit.mainPid !== null) return saw(unit.mainPid, from);
    return seen.ok ? saw(seen.value?.pid ?? null, from) : missed(seen.why, seen.detail, from);
  } catch (error) {
    return missedBy(error, from);
  }
}

async function stop(tools: ServiceTools, node: NodeEntry, timeoutMs: number, signal: AbortSignal) {
  signal.throwIfAborted();
  const ending = performance.now() + timeoutMs;
  const [unit, found] = await Promise.all([unitState(tools, node, signal), knownProcess(tools, node, signal)]);
  const resting = unit.mainPid === null && /^(inactive|failed)$/.test(unit.activeState);
  if (resting && found === null) return 'was-stopped';
  if (!resting) {
    const own = found !== null && found.pid === unit.mainPid ? found : undefined;
    const seconds = secondsOf(timeoutMs);
    const process = own ? [String(own.pid), String(own.startTicks)] : ['', ''];
    const args = [unit.id, ...process, String(seconds)];
    const { status } = await command(tools, { script: STOP_UNIT, args }, seconds, signal);
    if (status === STILL_RUNNING) return 'still-running';
  }
  // A server that was started beside the unit is not stopped with it.
  const left = await knownProcess(tools, node, signal);
  return left === null ? 'stopped' : stopProcess(tools, node, left, ending - performance.now(), signal);
}

async function start(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await refuseHeld({ ...tools, node }, signal);
  const args = [unitOf(node), listeningPattern(node), String(START_LIMIT_S)];
  const { status, said } = await command(tools, { script: START_UNIT, args }, START_LIMIT_S, signal);
  if (status === PORT_TAKEN) throw await portTaken(tools, node, signal);
  if (status !== 0) throw await startError(tools, node, said, signal);
}

/** The commands by hand, with the drop-in that the run itself would write. */
export function systemdSays(entry: HostEntry, node: NodeEntry): Service['says'] {
  const unit = unitOf(node);
  const hold = holdPath(entry, node);
  const directory = `/etc/systemd/system/${unit}.d`;
  const root = entry.become === 'sudo' ? 'sudo ' : '';
  const text = `[Unit]\\nAssertPathExists=!${hold.replaceAll('%', '%%%%').replaceAll('\\', '\\\\')}\\n[Service]\\nRestart=no\\nTimeoutStopSec=infinity\\n`;
  const file = shellQuote(`${directory}/${HOLD_DROP_IN}`);
  const steps = [
    `mkdir -p -m 700 ${shellQuote(dirname(hold))}`,
    `echo '{"run":"by-hand"}' > ${shellQuote(hold)}`,
    `mkdir -p ${shellQuote(directory)}`,
    `printf ${shellQuote(text)} > ${file}`,
    'systemctl daemon-reload',
  ];
  const asRoot = (line: string) => (root === '' ? line : `sudo sh -c ${shellQuote(line)}`);
  return {
    stop: `${root}systemctl stop ${shellQuote(unit)}`,
    start: `${root}systemctl start ${shellQuote(unit)}`,
    hold: asRoot(steps.join(' && ')),
    release: asRoot(`rm -f ${file} && systemctl daemon-reload && rm -f ${shellQuote(hold)}`),
  };
}

/**
 * Nodes that are systemd units. A hold is a drop-in (an assertion on the hold file, and `Restart=no`), never a mask: a
 * mask replaces the unit, so that its stop limit and its user are lost and a long final save is killed (seen on systemd
 * 252). Start at boot is left as it is.
 */
export function systemdService(tools: ServiceTools, node: NodeEntry): Service {
  const place = { ...tools, node };
  // As it was right after our own hold: its real name stays, and so does the place of the drop-in.
  let held: UnitState | undefined;
  return {
    pid: (signal) => pid(tools, node, signal),
    hold: async (run, signal) => {
      held = undefined;
      const [unit] = await Promise.all([usableUnit(tools, node, signal), makeHoldDirectory(place, signal)]);
      held = await holdUnit(tools, node, unit, run, signal);
    },
    release: async (run, signal) => {
      if (!(await isHeldBy(place, run, signal))) return;
      await releaseUnit(tools, held ?? (await unitState(tools, node, signal)), signal);
      held = undefined;
      await dropHold(place, signal);
    },
    holder: (signal) => holderOn(place, signal),
    stop: (timeoutMs, signal) => stop(tools, node, timeoutMs, signal),
    start: (signal) => start(tools, node, signal),
    weakness: async (signal) =>
      isLostAtBoot(held ?? (await unitState(tools, node, signal)))
        ? '/etc/systemd/system is read-only: the hold is lost at the next boot'
        : undefined,
    says: systemdSays(tools.entry, node),
  };
}
