import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import { mapSeen } from '../../model/seen.js';
import { decodeText, encodeText } from '../../redis/byte-text.js';
import type { Service } from '../host.js';
import { holdPath } from '../local-state.js';
import { codeOf } from '../reading.js';
import { shellQuote } from '../shell-quote.js';
import { dropHold, holderOn, isHeldBy, refuseHeld, takeHold } from './hold-file.js';
import { settingsFileOf, withGuard, withoutGuard } from './init-script.js';
import { knownProcess, portTaken, secondsOf, stopProcess } from './remote-process.js';
import { listeningPattern, PORT_TAKEN, START_SCRIPT, STILL_RUNNING, STOP_SCRIPT } from './service-scripts.js';
import { command, type ServiceTools, START_LIMIT_S, startError } from './service-tools.js';

const LIMIT_BYTES = 1024 * 1024;

/** The path of a node's init script. Throws RunbookError `fleet-file` for what is no script's name. */
export function initScriptOf(node: NodeEntry): string {
  const name = node.unit.replace(/\.service$/, '');
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(name)) return `/etc/init.d/${name}`;
  throw new RunbookError('fleet-file', `${node.id}: ${node.unit || '(nothing)'} is no name of an init script`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function textOn(tools: ServiceTools, path: string, signal: AbortSignal) {
  try {
    const bytes = await tools.files.read(path, LIMIT_BYTES, signal);
    return { text: decodeText(bytes), sha256: sha256(bytes) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The settings file through which a script can be held. Throws RunbookError `unsupported` with the way by hand. */
async function settingsOf(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<string> {
  const script = initScriptOf(node);
  const read = await textOn(tools, script, signal);
  const path = read && settingsFileOf(read.text);
  if (path !== undefined) return path;
  const why = read ? 'reads no settings file, so it cannot be held' : 'is not there';
  throw new RunbookError('unsupported', `${tools.entry.name}: ${script} ${why}`, {
    facts: [`by hand: update-rc.d ${node.unit} disable (or chkconfig ${node.unit} off), then stop it`],
  });
}

/**
 * SysV init has no drop-ins. The least that holds a script and survives a power cut: lines in front of the settings file
 * that it sources, which end it for every word but stop and status while the hold file is there.
 */
async function hold(tools: ServiceTools, node: NodeEntry, run: string, signal: AbortSignal): Promise<void> {
  const settings = await settingsOf(tools, node, signal);
  await takeHold({ ...tools, node }, run, signal);
  const read = await textOn(tools, settings, signal);
  const guarded = withGuard(read?.text ?? '', holdPath(tools.entry, node));
  if (guarded === read?.text) return;
  await tools.files.write(settings, encodeText(guarded), read?.sha256 ?? 'absent', signal);
}

/** A settings file that held nothing but the guard was made for it, and goes with it. */
async function release(tools: ServiceTools, node: NodeEntry, run: string, signal: AbortSignal): Promise<void> {
  const place = { ...tools, node };
  if (!(await isHeldBy(place, run, signal))) return;
  const settings = await settingsOf(tools, node, signal);
  const read = await textOn(tools, settings, signal);
  const open = withoutGuard(read?.text ?? '');
  if (read && open === '') await tools.files.remove(settings, signal);
  else if (read && open !== read.text) await tools.files.write(settings, encodeText(open), read.sha256, signal);
  await dropHold(place, signal);
}

async function stop(tools: ServiceTools, node: NodeEntry, timeoutMs: number, signal: AbortSignal) {
  signal.throwIfAborted();
  const ending = performance.now() + timeoutMs;
  const found = await knownProcess(tools, node, signal);
  if (found === null) return 'was-stopped';
  const seconds = secondsOf(timeoutMs);
  const args = [initScriptOf(node), '', '', String(seconds)];
  const { status } = await command(tools, { script: STOP_SCRIPT, args }, seconds, signal);
  if (status === STILL_RUNNING) return 'still-running';
  // A script that lost its pid file stops nothing and says so to nobody.
  const left = await knownProcess(tools, node, signal);
  return left === null ? 'stopped' : stopProcess(tools, node, left, ending - performance.now(), signal);
}

async function start(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const [found] = await Promise.all([knownProcess(tools, node, signal), refuseHeld({ ...tools, node }, signal)]);
  if (found !== null) return;
  const args = [initScriptOf(node), tools.entry.state, listeningPattern(node), String(START_LIMIT_S)];
  const { status, said } = await command(tools, { script: START_SCRIPT, args }, START_LIMIT_S * 2, signal);
  if (status === PORT_TAKEN) throw await portTaken(tools, node, signal);
  if (status !== 0) throw await startError(tools, node, said, signal);
}

/** The commands by hand. */
export function sysvinitSays(entry: HostEntry, node: NodeEntry): Service['says'] {
  const script = initScriptOf(node);
  const path = holdPath(entry, node);
  const root = entry.become === 'sudo' ? 'sudo ' : '';
  const name = script.slice('/etc/init.d/'.length);
  const asRoot = (line: string) => (root === '' ? line : `sudo sh -c ${shellQuote(line)}`);
  return {
    stop: `${root}service ${name} stop`,
    start: `${root}service ${name} start`,
    hold: asRoot(
      `mkdir -p -m 700 ${shellQuote(dirname(path))} && echo '{"run":"by-hand"}' > ${shellQuote(path)} && update-rc.d ${name} disable`,
    ),
    release: asRoot(
      `rm -f ${shellQuote(path)} && sed -i '/^# redis-runbook hold: begin/,/^# redis-runbook hold: end/d' /etc/default/${name}`,
    ),
  };
}

/** Nodes that an init script of SysV starts and stops. */
export function sysvinitService(tools: ServiceTools, node: NodeEntry): Service {
  const place = { ...tools, node };
  return {
    pid: async (signal) => mapSeen(await tools.processes.of(node, signal), (found) => found?.pid ?? null),
    hold: (run, signal) => hold(tools, node, run, signal),
    release: (run, signal) => release(tools, node, run, signal),
    holder: (signal) => holderOn(place, signal),
    stop: (timeoutMs, signal) => stop(tools, node, timeoutMs, signal),
    start: (signal) => start(tools, node, signal),
    says: sysvinitSays(tools.entry, node),
  };
}
