import type { ConfigLine } from '../model/formats.js';
import type { NodeEntry } from '../model/inventory.js';
import type { Secret } from '../model/secret.js';
import { canonicalName } from './directive-names.js';

/** With what a connection logs in. */
export interface Credentials {
  readonly password: Secret;
  /** Left out: the default user, by the form of AUTH that every version knows. */
  readonly user?: string;
  /** Log in even when the server would let us in without: fleet.yaml names the user. */
  readonly always?: true;
}

/** The user names of a config file that belong to one of its secrets. */
export interface ConfigUsers {
  /** `masteruser`: as whom a replica logs in to its master. */
  readonly masterUser?: string;
  /** `sentinel sentinel-user`: as whom a sentinel logs in to the others. */
  readonly sentinelUser?: string;
}

/** Reads the user names; of several lines the last counts. */
export function usersIn(lines: readonly ConfigLine[]): ConfigUsers {
  const last = (matches: (line: ConfigLine) => string | undefined) =>
    lines.flatMap((line) => matches(line) ?? []).at(-1);
  const masterUser = last(({ name, args }) => (canonicalName(name) === 'masteruser' ? args[0] : undefined));
  const sentinelUser = last(({ name, args }) =>
    name === 'sentinel' && args[0]?.toLowerCase() === 'sentinel-user' ? args[1] : undefined,
  );
  return {
    ...(masterUser ? { masterUser } : {}),
    ...(sentinelUser ? { sentinelUser } : {}),
  };
}

/**
 * What a node is asked to let us in by: what fleet.yaml gives; else what its own config file tells of its own login
 * (`requirepass`, the default user), else what it tells of its peers', which in most fleets is the same: `masterauth`
 * of a redis, `sentinel-pass` of a sentinel. `secrets` as `redactConfig` gives them. Undefined when nothing is known.
 */
export function credentialsOf(
  node: Pick<NodeEntry, 'kind' | 'user'>,
  given: Secret | undefined,
  secrets: ReadonlyMap<string, Secret>,
  users: ConfigUsers,
): Credentials | undefined {
  if (node.user !== undefined) {
    const password = given ?? passwordOfUser(node.user, secrets, users);
    return password && { password, user: node.user, always: true };
  }
  const own = given ?? secrets.get('requirepass') ?? secrets.get('user default');
  if (own) return { password: own };
  const sentinel = node.kind === 'sentinel';
  const peers = secrets.get(sentinel ? 'sentinel-pass' : 'masterauth');
  const user = sentinel ? users.sentinelUser : users.masterUser;
  return peers && { password: peers, ...(user === undefined ? {} : { user }) };
}

function passwordOfUser(name: string, secrets: ReadonlyMap<string, Secret>, users: ConfigUsers): Secret | undefined {
  const own = secrets.get(`user ${name}`) ?? (name === 'default' ? secrets.get('requirepass') : undefined);
  if (own) return own;
  if (users.masterUser === name) return secrets.get('masterauth');
  return users.sentinelUser === name ? secrets.get('sentinel-pass') : undefined;
}
