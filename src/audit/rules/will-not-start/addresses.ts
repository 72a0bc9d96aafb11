import { byKey } from '../../by-key.js';
import { each, every, together } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isLoopback, isWildcard, isYes, numberOf, spotOf } from '../../settings.js';
import type { NodeAt, RedisNode, SentinelNode, Setting } from '../../view.js';

export const bindCopiedFromPeer = defineRule({
  id: 'bind-copied-from-peer',
  class: 'will-not-start',
  severity: 'error',
  scope: 'cross-node',
  title: 'two hosts listen on the same address',
  rationale:
    'An address belongs to one host: the server on the other one cannot listen there and ends at its start. Most often a file was copied from a peer and its bind line forgotten.',
  source: 'server.c:listenToPort, "Cannot assign requested address ... Failed listening on port"; seen on 7.0.15',
  fix: "Write each host's own address behind bind.",
  fixtures: {
    fails: 'test/audit/fixtures/bind-copied-from-peer/fails',
    nearMiss: 'test/audit/fixtures/bind-copied-from-peer/near-miss',
  },
  needs: (group) => ({
    binds: each(
      [...group.redis, ...group.sentinels].map((node) => node.setting('bind')),
      'files',
      2,
    ),
  }),
  check: ({ binds }) => {
    const all = binds.flatMap((bind) => ownAddresses(bind).map((address) => ({ address, bind })));
    return byKey(all, ({ address }) => address).flatMap((same): readonly Problem[] => {
      const hosts = byKey(same, ({ bind }) => hostOf(bind.node)).map(([first]) => first);
      const [first, ...others] = hosts.flatMap((one) => (one === undefined ? [] : [one]));
      if (first === undefined || others.length === 0) return [];
      const names = [first, ...others].map(({ bind }) => bind.node.host).join(' and ');
      return [
        {
          message: `${names} both bind ${first.address}: it belongs to one of them, and the server of the other does not start`,
          at: spotOf(first.bind),
          beside: others.map(({ bind }) => spotOf(bind)),
        },
      ];
    });
  },
});

/** With a hyphen in front an address may be missing (6.2 and later). */
function ownAddresses({ words }: Setting): readonly string[] {
  const specific = (word: string) => /^[0-9a-f.:]+$/i.test(word) && !isLoopback(word) && !isWildcard(word);
  return [...new Set(words.filter(specific))];
}

/**
 * What stands for one host: two files of one directory that were taken for two hosts may be one node and its older
 * copy, and so may hosts of equal names in different directories.
 */
function hostOf({ host, main }: NodeAt): string {
  const folder = main.slice(0, main.lastIndexOf('/') + 1);
  const stem = main.slice(folder.length).replace(/\.\w+$/, '');
  const name = host.slice(host.lastIndexOf('/') + 1);
  return name === stem ? `folder ${folder}` : `host ${name}`;
}

export const portConflict = defineRule({
  id: 'port-conflict',
  class: 'will-not-start',
  severity: 'error',
  scope: 'host',
  profiles: { dev: 'error' },
  title: 'two servers of one host want the same port',
  rationale: 'The second one to start cannot listen and ends. A TLS port and the port of the cluster bus count too.',
  source: 'server.c:listenToPort, "Address already in use"; seen on 7.0.15',
  fix: 'Give each server ports of its own.',
  fixtures: {
    fails: 'test/audit/fixtures/port-conflict/fails',
    nearMiss: 'test/audit/fixtures/port-conflict/near-miss',
  },
  needs: (host) => ({ doors: every([...host.redis, ...host.sentinels].map(doorsOf), 'server') }),
  check: ({ doors }) => {
    const all = doors.flatMap(portsOf);
    return all.flatMap((one, at): readonly Problem[] => {
      const other = all
        .slice(0, at)
        .find((before) => before.setting.node.id !== one.setting.node.id && collide(before, one));
      if (other === undefined) return [];
      const [a, b] = [other.setting.node.id, one.setting.node.id];
      return [
        {
          message: `${a} and ${b} both listen on port ${one.port} (${other.what}, ${one.what}): the one that starts last ends at once`,
          at: spotOf(one.setting),
          beside: [spotOf(other.setting)],
        },
      ];
    });
  },
});

function doorsOf(node: RedisNode | SentinelNode) {
  return together({
    port: node.setting('port'),
    tlsPort: node.setting('tls-port'),
    bind: node.setting('bind'),
    cluster: node.setting('cluster-enabled'),
    clusterPort: node.setting('cluster-port'),
  });
}

interface Port {
  readonly port: number;
  readonly what: string;
  readonly setting: Setting;
  readonly addresses: readonly string[];
}

function portsOf({
  port,
  tlsPort,
  bind,
  cluster,
  clusterPort,
}: Record<'port' | 'tlsPort' | 'bind' | 'cluster' | 'clusterPort', Setting>): readonly Port[] {
  const sentinel = port.node.kind === 'sentinel';
  const plain = numberOf(port, sentinel ? 26379 : 6379);
  const tls = numberOf(tlsPort, 0);
  const bus = numberOf(clusterPort, 0) || (plain || tls) + 10_000;
  const addresses = bind.words.length === 0 ? ['*'] : bind.words.map((word) => word.replace(/^-/, ''));
  const all = [
    { port: plain, what: 'port', setting: port, addresses },
    { port: tls, what: 'tls-port', setting: tlsPort, addresses },
    ...(isYes(cluster, false) ? [{ port: bus, what: 'the cluster bus', setting: cluster, addresses }] : []),
  ];
  return all.filter((one) => one.port > 0);
}

function collide(a: Port, b: Port): boolean {
  if (a.port !== b.port) return false;
  return a.addresses.some((one) => isWildcard(one) || b.addresses.some((other) => isWildcard(other) || other === one));
}
