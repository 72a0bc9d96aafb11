import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { ManagerProbe } from '../../model/readiness.js';
import type { Service } from '../host.js';
import { missedBy } from '../reading.js';
import { textOf } from '../remote/script.js';
import { processSays, remoteProcessService } from './remote-process.js';
import { ask, type ServiceTools } from './service-tools.js';
import { systemdSays, systemdService } from './systemd.js';
import { unitName } from './systemd-unit.js';
import { initScriptOf, sysvinitSays, sysvinitService } from './sysvinit.js';

type Manager = 'systemd' | 'sysvinit' | 'process';

/** A unit counts only where systemd runs the machine, a script only where it does not: there `service` would ask systemd. */
const DETECT = `LC_ALL=C; export LC_ALL
if [ -d /run/systemd/system ]; then
  echo systemd
  systemctl show -p LoadState -- "$1" 2> /dev/null
elif [ -n "$2" ] && [ -x "$2" ]; then echo sysvinit
else echo none; fi`;

/** What `auto` found, and why: a unit that is missing makes a plain process of a node, which is worth saying. */
async function detect(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<ManagerProbe> {
  const unit = unitName(node.unit);
  const script = unit === undefined || /@/.test(unit) ? '' : initScriptOf(node);
  const seen = await ask(tools, { script: DETECT, args: [unit ?? '-', script] }, signal);
  const [manager = '', state = ''] = textOf(seen.stdout).split('\n');
  if (seen.status !== 0 || manager === '') {
    throw new RunbookError('unsupported', `${tools.entry.name}: how services run there could not be found out`);
  }
  const found = (kind: Manager, says: string) => ({ kind, declared: false, says });
  if (manager === 'sysvinit') return found('sysvinit', `${script} is there`);
  if (manager !== 'systemd') return found('process', `no systemd, and no init script ${script || node.unit}`);
  if (unit === undefined) return found('process', 'fleet.yaml names no unit');
  const how = state.replace('LoadState=', '') || 'not known';
  return how === 'loaded' ? found('systemd', `${unit} is loaded`) : found('process', `${unit} is ${how} in systemd`);
}

function make(manager: Manager, tools: ServiceTools, node: NodeEntry): Service {
  if (manager === 'systemd') return systemdService(tools, node);
  return manager === 'sysvinit' ? sysvinitService(tools, node) : remoteProcessService(tools, node);
}

/** What fleet.yaml declares must be there: RunbookError `unsupported` where it is not. */
async function checkDeclared(declared: Manager, tools: ServiceTools, node: NodeEntry, signal: AbortSignal) {
  if (declared !== 'sysvinit') return;
  const script = initScriptOf(node);
  const seen = await ask(tools, { script: '[ -x "$1" ]', args: [script] }, signal);
  if (seen.status === 0) return;
  throw new RunbookError('unsupported', `${tools.entry.name}: ${script} is not there`, {
    facts: [`fleet.yaml line ${tools.entry.line} says service: sysvinit`],
  });
}

function says(entry: HostEntry, node: NodeEntry, manager: Manager): Service['says'] {
  if (manager === 'systemd') return systemdSays(entry, node);
  return manager === 'sysvinit' ? sysvinitSays(entry, node) : processSays(entry, node);
}

/**
 * The service manager of a node of another machine. `auto` is found out at the first use: systemd where it runs the
 * machine and has the unit, else an init script, else a plain process. Until then `says` speaks of systemd, where
 * fleet.yaml names a unit.
 */
export function remoteService(tools: ServiceTools, node: NodeEntry): Service {
  const { service } = tools.entry;
  let manager: ManagerProbe | undefined =
    service === 'auto' ? undefined : { kind: service, declared: true, says: `fleet.yaml says service: ${service}` };
  let found: Promise<Service> | undefined;
  const known = async (signal: AbortSignal): Promise<ManagerProbe> => {
    manager ??= await detect(tools, node, signal);
    await checkDeclared(manager.kind, tools, node, signal);
    return manager;
  };
  const seek = async (signal: AbortSignal) => make((await known(signal)).kind, tools, node);
  const own = (signal: AbortSignal) => {
    found ??= seek(signal).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  const from = { host: tools.entry.name, node: node.id, source: 'service' };
  return {
    pid: async (signal) =>
      own(signal).then(
        (it) => it.pid(signal),
        (error: unknown) => missedBy(error, from),
      ),
    hold: async (run, signal) => (await own(signal)).hold(run, signal),
    release: async (run, signal) => (await own(signal)).release(run, signal),
    holder: async (signal) =>
      own(signal).then(
        (it) => it.holder(signal),
        (error: unknown) => missedBy(error, from),
      ),
    weakness: async (signal) => (await own(signal)).weakness?.(signal),
    manager: known,
    pidFileTrouble: async (signal) => (await own(signal)).pidFileTrouble?.(signal),
    stop: async (timeoutMs, signal) => (await own(signal)).stop(timeoutMs, signal),
    start: async (signal) => (await own(signal)).start(signal),
    get says() {
      return says(tools.entry, node, manager?.kind ?? (unitName(node.unit) === undefined ? 'process' : 'systemd'));
    },
  };
}
