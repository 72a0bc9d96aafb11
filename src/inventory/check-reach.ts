import type { PlacedNode } from './build.js';
import type { FleetFile } from './schema.js';

type Found = readonly { readonly path: readonly PropertyKey[]; readonly text: string; readonly what?: 'key' }[];

/** Mistakes in how nodes are reached: a certificate without its key, a password that would cross a network in the clear. */
export function checkReach(fleet: FleetFile, nodes: readonly PlacedNode[]): Found {
  return nodes.flatMap((placed): Found => {
    const { node } = placed;
    const at = (key: string) => ({ path: pathOf(fleet, placed, key), what: 'key' as const });
    const tls = node.tls || {};
    const alone = (['cert', 'key'] as const).filter((key) => tls[key] !== undefined);
    const found: Found[number][] = [];
    if (alone.length === 1) {
      found.push({ ...at('tls'), text: `tls of ${node.id}: cert and key go together, found ${alone.join('')} alone` });
    }
    if (node.direct && !node.tls && !placed.insecureDirect) {
      const text = `direct of ${node.id} needs tls: {...}, or insecure-direct: true where nobody else is on the way`;
      found.push({ ...at('direct'), text });
    }
    if (node.direct && node.socket !== undefined) {
      found.push({ ...at('socket'), text: `socket of ${node.id} is on its host and cannot be reached with direct` });
    }
    if (node.tls && node.socket !== undefined) {
      found.push({ ...at('socket'), text: `socket of ${node.id}: Redis speaks no TLS on a unix socket` });
    }
    return found;
  });
}

/** Where the key that counts for a node stands in the file. */
function pathOf(fleet: FleetFile, { node, path }: PlacedNode, key: string): readonly PropertyKey[] {
  const host = ['hosts', node.host];
  const places = [[...path, node.kind], [...host, node.kind], host, ['defaults', node.kind], ['defaults']];
  const found = places.find((place) => valueAt(fleet, [...place, key]) !== undefined);
  return found === undefined ? path : [...found, key];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );
}
