import type { NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { NotSeen } from '../model/seen.js';

/** A node whose unit was seen, with the words of that unit's ExecStart, which `systemctl show` joins with blanks. */
export function asItsUnitStarts(node: NodeEntry, raw: RawHost): NodeEntry {
  const unit = raw.units?.ok === true ? raw.units.value.find((one) => one.node === node.id) : undefined;
  const argv = /argv\[\]=(.*?) ; (?:ignore_errors|flags)=/.exec(unit?.properties.ExecStart ?? '')?.[1];
  return argv === undefined ? node : { ...node, start: argv.split(' ').filter((word) => word !== '') };
}

/** Why a plain process has no unit: it is known to have none. */
export function unmanaged(raw: RawHost, node: NodeEntry): NotSeen {
  const from = { host: raw.host, node: node.id, source: 'fleet.yaml' };
  return { ok: false, why: 'absent', detail: 'no service manager starts it', from, at: raw.at };
}
