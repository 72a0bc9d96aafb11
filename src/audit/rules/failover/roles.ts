import type { ConfigLine } from '../../../model/formats.js';
import { mapSeen, type Seen } from '../../../model/seen.js';
import { addressOf } from '../../../redis/sentinel-conf.js';
import type { NodeAt, RedisNode } from '../../view.js';

/** What a node is: by its own word while it runs, else by what its files will make it. */
export interface Role {
  readonly view: RedisNode;
  readonly node: NodeAt;
  /** `host:port` of the master that it follows; undefined for a master. */
  readonly follows: string | undefined;
  /** The replicaof line of its files. */
  readonly line: ConfigLine | undefined;
  readonly runs: boolean;
}

/** The role of a node at this moment. */
export function roleOf(view: RedisNode): Seen<Role> {
  const file = view.gives.ok ? view.gives.value.replicaOf : undefined;
  if (!view.running.ok) return roleInFile(view);
  return mapSeen(view.running, ({ role, masterAddress }) => ({
    view,
    node: view.at,
    follows: role === 'master' ? undefined : masterAddress,
    line: file?.from,
    runs: true,
  }));
}

/** The role in which a node starts. */
export function roleInFile(view: RedisNode): Seen<Role> {
  return mapSeen(view.gives, ({ replicaOf }) => ({
    view,
    node: view.at,
    follows: replicaOf === undefined ? undefined : addressOf(replicaOf.host, String(replicaOf.port)),
    line: replicaOf?.from,
    runs: false,
  }));
}
