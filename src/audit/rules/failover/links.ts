import { mapSeen, type Seen } from '../../../model/seen.js';
import type { Spot } from '../../rule.js';
import type { GroupView, RedisNode } from '../../view.js';
import { finderOf, membersOf } from './addresses.js';
import type { Role } from './roles.js';

/** A role with the node that it follows, where that is one of the group. */
export interface Link extends Role {
  readonly master: RedisNode | undefined;
}

/** The roles of the nodes that belong together, read by `roleOfNode`. */
export function linksOf(group: GroupView, roleOfNode: (node: RedisNode) => Seen<Role>): readonly Seen<Link>[] {
  const find = finderOf(group);
  return membersOf(group).map((node) =>
    mapSeen(roleOfNode(node), (role) => ({
      ...role,
      master: role.follows === undefined ? undefined : find(role.follows),
    })),
  );
}

/** Its replicaof line, or its file. */
export function spotOfRole({ node, line }: Role): Spot {
  return { node, line };
}

/** `pv1, pv2` */
export function idsOf(roles: readonly Role[]): string {
  return roles.map(({ node }) => node.id).join(', ');
}
