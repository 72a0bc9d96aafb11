import type { Check, ManagerProbe, NodeReadiness } from '../../model/readiness.js';
import { check, type Examined, type NodeSight, type Tried } from './examined.js';

/** What is known of a node's service: whether it is surely the node that the manager runs, and what to say about it. */
interface ServiceSight {
  readonly sure: boolean;
  readonly checks: readonly Check[];
}

/** Each node: who runs it and how sure that is, start at boot, and whether it answers with its password. */
export function nodeChecks(
  examined: Examined,
  sights: readonly NodeSight[],
): { readonly nodes: readonly NodeReadiness[]; readonly checks: readonly Check[] } {
  const all = sights.map((sight) => {
    const manager = examined.managers.get(sight.node.id);
    const service = serviceOf(examined, sight, manager);
    const reach = reachChecks(examined, sight);
    const checks = [
      ...service.checks,
      ...pidFileChecks(examined, sight),
      ...bootChecks(examined, sight, manager),
      ...reach,
      ...answers(examined, sight),
    ];
    return { node: readinessOf(sight, manager, service.sure), checks };
  });
  return { nodes: all.map(({ node }) => node), checks: all.flatMap(({ checks }) => checks) };
}

function readinessOf(sight: NodeSight, manager: Tried<ManagerProbe> | undefined, sure: boolean): NodeReadiness {
  const version = sight.answers?.ok ? { version: sight.answers.value } : {};
  return {
    node: sight.node.id,
    sure,
    running: sight.process?.ok ? sight.process.value !== null : undefined,
    ...(manager?.ok ? { manager: manager.value } : {}),
    ...version,
  };
}

function serviceOf(examined: Examined, sight: NodeSight, manager: Tried<ManagerProbe> | undefined): ServiceSight {
  const node = sight.node.id;
  if (manager === undefined) return { sure: false, checks: [] };
  if (!manager.ok) {
    const says = `what runs it could not be found out: ${manager.refusal.message}`;
    return { sure: false, checks: [check(examined, 'service', 'unseen', says, { node })] };
  }
  const { kind, declared, says } = manager.value;
  if (kind === 'systemd') return unitOf(examined, sight, says);
  if (kind === 'sysvinit')
    return { sure: declared, checks: [check(examined, 'service', 'ok', `SysV init, ${says}`, { node })] };
  if (declared) return { sure: true, checks: [check(examined, 'service', 'ok', `plain process, ${says}`, { node })] };
  const next = 'unit: NAME   in fleet.yaml, or service: process when that is what it is';
  const taken = `taken for a plain process, which nothing else would start: ${says}`;
  return { sure: false, checks: [check(examined, 'service', 'problem', taken, { node, next })] };
}

/** A unit is surely the node's when its main process is the node's, or when its command line names the node's config. */
function unitOf(examined: Examined, sight: NodeSight, says: string): ServiceSight {
  const { node, unit, process } = sight;
  const properties = unit?.properties ?? {};
  const mainPid = Number(properties.MainPID ?? 0);
  const pid = process?.ok ? process.value?.pid : undefined;
  if (pid !== undefined && pid !== mainPid) {
    const beside = `a server runs beside ${node.unit} (pid ${pid}): the unit did not start it`;
    const next = `systemctl status ${node.unit}   on ${examined.entry.name}`;
    return { sure: false, checks: [check(examined, 'service', 'problem', beside, { node: node.id, next })] };
  }
  const named = (properties.ExecStart ?? '').includes(node.config);
  const proof = pid === undefined ? (named ? 'its command names the config' : undefined) : `pid ${pid} is its own`;
  const text = `systemd, ${says}, ${proof ?? 'and nothing proves that it runs this node'}`;
  return {
    sure: proof !== undefined,
    checks: [check(examined, 'service', proof === undefined ? 'note' : 'ok', text, { node: node.id })],
  };
}

/** A pidfile that leads elsewhere: nothing gets a signal by it, but other tools may believe it. */
function pidFileChecks(examined: Examined, { node }: NodeSight): readonly Check[] {
  const says = examined.pidFiles.get(node.id);
  if (says === undefined) return [];
  const next = `pidfile   in ${node.config} on ${examined.entry.name}`;
  return [check(examined, 'service', 'problem', says, { node: node.id, next })];
}

/** Start at boot is told and left as it is. */
function bootChecks(
  examined: Examined,
  { node, unit, heldBy }: NodeSight,
  manager: Tried<ManagerProbe> | undefined,
): readonly Check[] {
  const held = heldBy === undefined ? [] : [note(examined, node.id, `held by run ${heldBy}: it starts by nothing`)];
  if (!manager?.ok || manager.value.kind === 'process' || unit === undefined) return held;
  const { UnitFileState = '', StartLinks = '' } = unit.properties;
  const on = manager.value.kind === 'systemd' ? /^enabled/.test(UnitFileState) : StartLinks !== '';
  const how = manager.value.kind === 'systemd' && UnitFileState !== '' ? ` (${UnitFileState})` : '';
  if (on) return [...held, check(examined, 'boot', 'ok', `starts at boot${how}`, { node: node.id })];
  return [...held, note(examined, node.id, `does not start at boot${how}; left as it is`)];
}

function note(examined: Examined, node: string, says: string): Check {
  return check(examined, 'boot', 'note', says, { node });
}

function reachChecks(examined: Examined, { node, answers: seen }: NodeSight): readonly Check[] {
  const { probe, entry } = examined;
  const reach = probe?.ok ? probe.value.reach.find((each) => each.node === node.id) : undefined;
  if (reach === undefined || entry.transport === 'local') return [];
  if (reach.state === 'open' || reach.state === 'nothing-listens') {
    return [check(examined, 'forwarding', 'ok', `sshd opens ${node.address}:${node.port}`, { node: node.id })];
  }
  if (reach.state === 'failed') {
    const next = `nc -z ${node.address} ${node.port}   on ${entry.name}`;
    return [check(examined, 'forwarding', 'problem', reach.says, { node: node.id, next })];
  }
  // Where it answers all the same, another way through the host was found.
  const says = `sshd forbids forwarding to ${node.address}:${node.port}`;
  if (seen?.ok) return [check(examined, 'forwarding', 'note', `${says}; it is reached another way`, { node: node.id })];
  const next = `AllowTcpForwarding yes, PermitOpen ${node.address}:${node.port}   in sshd_config of ${entry.name}`;
  return [check(examined, 'forwarding', 'problem', says, { node: node.id, next })];
}

function answers(examined: Examined, { node, process, answers: seen }: NodeSight): readonly Check[] {
  if (seen?.ok) {
    return [
      check(examined, 'answers', 'ok', `${seen.value}${node.kind === 'redis' ? ', its password works' : ''}`, {
        node: node.id,
      }),
    ];
  }
  const next = 'redis-runbook status';
  if (process?.ok && process.value === null) {
    const says = 'does not run: whether its password works could not be tried';
    return [check(examined, 'answers', 'problem', says, { node: node.id, next })];
  }
  const why = seen?.detail ?? 'nobody asked it';
  return [check(examined, 'answers', 'unseen', `does not answer: ${why}`, { node: node.id, next })];
}
