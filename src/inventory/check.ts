import { groupsOf, type PlacedNode, placedNodes } from './build.js';
import { checkReach } from './check-reach.js';
import type { FleetDocument, Mistake } from './document.js';
import { nearest } from './nearest.js';
import type { FleetFile } from './schema.js';

type Found = readonly {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly what?: 'key' | 'value';
}[];

/** What a well-formed file still cannot mean: groups that nobody declares, nodes that would be one another. */
export function checkMeaning(fleet: FleetFile, document: FleetDocument): Mistake[] {
  const nodes = placedNodes(fleet);
  const found: Found = [
    ...checkGroups(fleet, nodes),
    ...checkKinds(nodes),
    ...checkReach(fleet, nodes),
    ...checkSudo(fleet),
    ...checkTwins(
      nodes,
      'address',
      ({ node }) => `${node.address}:${node.port}`,
      'stands at the same address and port as',
    ),
    ...checkTwins(nodes, 'config', ({ node }) => `${node.host} ${node.config}`, 'has the same config file as'),
    ...checkTwins(nodes, 'unit', unitKey, 'has the same unit as'),
    ...checkTwins(nodes, 'id', ({ node }) => node.id, 'has the same name as'),
  ];
  return found.map(({ path, text, what }) => ({ ...document.at(path, what), text }));
}

function checkGroups(fleet: FleetFile, nodes: readonly PlacedNode[]): Found {
  const ways = (['group', 'groups', 'master-name'] as const).filter((key) => fleet[key] !== undefined);
  const second = ways[1];
  if (second !== undefined) {
    return [{ path: [second], what: 'key', text: `one of the keys ${ways.join(', ')} is enough` }];
  }
  const groups = groupsOf(fleet);
  if (groups.length === 0) {
    return [{ path: [], text: 'group is missing: expected the name that Sentinel monitors' }];
  }
  const twice = groups.filter((group, index) => groups.indexOf(group) !== index);
  return [
    ...twice.map((group) => ({
      path: ['groups'],
      what: 'key' as const,
      text: `the group "${group}" is declared twice`,
    })),
    ...nodes.filter(({ node }) => node.kind === 'redis').flatMap((placed) => checkGroupOf(placed, groups)),
    ...groups
      .filter((group) => !nodes.some(({ node }) => node.group === group))
      .map((group) => noRedisIn(group, fleet)),
  ];
}

function checkGroupOf({ node, path }: PlacedNode, groups: readonly string[]): Found {
  if (node.group === undefined) {
    return [
      { path, text: `the redis of ${node.host} needs a group, one of ${groups.join(', ')}: {redis: {group: ...}}` },
    ];
  }
  if (groups.includes(node.group)) {
    return [];
  }
  const near = nearest(node.group, groups);
  const meant = near === undefined ? `declared: ${groups.join(', ')}` : `did you mean "${near}"?`;
  return [{ path: [...path, 'redis', 'group'], text: `the group "${node.group}" is not declared; ${meant}` }];
}

function noRedisIn(group: string, fleet: FleetFile): Found[number] {
  const key = (['group', 'groups', 'master-name'] as const).find((name) => fleet[name] !== undefined) ?? 'hosts';
  return { path: [key], what: 'key', text: `no host runs a redis of the group "${group}"` };
}

function checkKinds(nodes: readonly PlacedNode[]): Found {
  return nodes.some(({ node }) => node.kind === 'sentinel')
    ? []
    : [
        {
          path: ['hosts'],
          what: 'key',
          text: 'no host runs a sentinel: expected runs: [sentinel] at one host at least',
        },
      ];
}

/** A password for sudo that would never be used is a mistake: it says what the file does not do. */
function checkSudo(fleet: FleetFile): Found {
  const { defaults = {} } = fleet;
  const hosts = Object.entries(fleet.hosts).map(([name, host]) => ({ path: ['hosts', name], host }));
  const text = 'sudo-password needs become: sudo, and no host here has both';
  const unused = hosts.filter(({ host }) => host['sudo-password'] !== undefined && !becomes(fleet, host));
  const nobody = defaults['sudo-password'] !== undefined && !hosts.some(({ host }) => becomes(fleet, host));
  return [
    ...unused.map(({ path }) => ({
      path: [...path, 'sudo-password'],
      what: 'key' as const,
      text: 'sudo-password needs become: sudo',
    })),
    ...(nobody ? [{ path: ['defaults', 'sudo-password'], what: 'key' as const, text }] : []),
  ];
}

function becomes(fleet: FleetFile, host: FleetFile['hosts'][string]): boolean {
  return (host.become ?? fleet.defaults?.become) === 'sudo';
}

/** Units name nothing where the service manager has none. */
function unitKey({ node, service }: PlacedNode): string | undefined {
  return service === 'process' ? undefined : `${node.host} ${node.unit}`;
}

function checkTwins(
  nodes: readonly PlacedNode[],
  field: 'address' | 'config' | 'unit' | 'id',
  keyOf: (placed: PlacedNode) => string | undefined,
  says: string,
): Found {
  const first = new Map<string, PlacedNode>();
  return nodes.flatMap((placed) => {
    const key = keyOf(placed);
    const other = key === undefined ? undefined : first.get(key);
    if (key !== undefined && other === undefined) {
      first.set(key, placed);
    }
    if (other === undefined) {
      return [];
    }
    const value = field === 'address' ? `${placed.node.address}:${placed.node.port}` : placed.node[field];
    return [
      {
        path: placed.path,
        text: `${placed.node.kind} of ${placed.node.host} ${says} ${other.node.kind} of ${other.node.host}: ${value}`,
      },
    ];
  });
}
