import type { ConfigLine } from '../../../model/formats.js';
import { mapSeen, type Seen } from '../../../model/seen.js';
import { addressOf } from '../../../redis/sentinel-conf.js';
import type { GroupView, NodeAt, RedisNode } from '../../view.js';

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

/** Whether only the files can tell: nothing runs, or nobody was asked. A node that did not answer may be anything. */
export function isFileOnly(reading: Seen<unknown>): boolean {
  return !reading.ok && (reading.why === 'absent' || reading.why === 'not-asked');
}

/** The role of a node at this moment. */
export function roleOf(view: RedisNode): Seen<Role> {
  const file = view.gives.ok ? view.gives.value.replicaOf : undefined;
  if (isFileOnly(view.running)) return roleInFile(view);
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

/** Not seen while a sentinel says that a failover is under way: hosts are asked one by one, and roles change meanwhile. */
export function calm(group: GroupView): Seen<true> {
  const busy = group.sentinels
    .map((sentinel) => sentinel.view(group.name))
    .find((view) => view.ok && view.value.flags.includes('failover_in_progress'));
  const from = busy?.from ?? { host: group.name, source: 'SENTINEL MASTER' };
  if (busy === undefined) return { ok: true, value: true, from, at: '' };
  return {
    ok: false,
    why: 'not-asked',
    detail: 'a failover is under way: look again when it is over',
    from,
    at: busy.at,
  };
}
