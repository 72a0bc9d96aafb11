import { describe, expect, it } from 'vitest';
import { type NodeEntry, placeOf } from '../../src/model/inventory.js';
import { Secret } from '../../src/model/secret.js';
import { credentialsOf, usersIn } from '../../src/redis/credentials.js';
import { listeningOf, settledNode } from '../../src/redis/listening.js';
import { parseConfig } from '../../src/redis/redis-conf.js';
import { redactConfig } from '../../src/redis/secrets.js';

const node: NodeEntry = {
  kind: 'redis',
  id: 'pv1',
  host: 'pv1',
  address: '10.0.0.1',
  port: 6379,
  config: '/etc/redis/redis.conf',
  unit: 'redis-server',
  start: [],
};

function settled(config: Readonly<Record<string, string>>, more: Partial<NodeEntry> = {}): NodeEntry {
  const declared = { ...node, ...more };
  const listening = listeningOf(declared.kind, (name) => config[name]);
  const once = settledNode(declared, listening);
  expect(settledNode(once, listening)).toEqual(once);
  return once;
}

describe('a node settled by its config file', () => {
  it('stays as declared without a TLS port', () => {
    expect(settled({})).toEqual(node);
    expect(settled({ port: '7000' })).toEqual(node);
  });

  it('is known and reached by its TLS port where the plain one is off', () => {
    expect(settled({ port: '0', 'tls-port': '6380' })).toMatchObject({ port: 6380, tls: {} });
    const given = settled({ port: '0', 'tls-port': '6380' }, { tls: { ca: '/ca' } });
    expect(given).toMatchObject({ port: 6380, tls: { ca: '/ca' } });
  });

  it('is reached by the unix socket where fleet.yaml asks for no TLS', () => {
    const config = { port: '0', 'tls-port': '6380', unixsocket: '/run/redis.sock' };
    expect(placeOf(settled(config))).toEqual({ address: '/run/redis.sock', port: 0 });
    expect(settled(config).port).toBe(6380);
    expect(placeOf(settled(config, { tls: {} }))).toEqual({ address: '10.0.0.1', port: 6380 });
  });

  it('with both ports is known by the one that replication announces, and reached as fleet.yaml says', () => {
    const both = { port: '6379', 'tls-port': '6380' };
    expect(settled(both, { tls: {} })).toMatchObject({ port: 6379, connectPort: 6380 });
    const replicates = { ...both, 'tls-replication': 'yes' };
    expect(settled(replicates)).toMatchObject({ port: 6380, connectPort: 6379 });
    expect(settled(replicates)).not.toHaveProperty('tls');
    expect(settled(replicates, { tls: {} })).not.toHaveProperty('connectPort');
  });
});

describe('credentials', () => {
  const from = (kind: NodeEntry['kind'], text: string, user?: string) => {
    const found = credentialsOf(
      { kind, ...(user === undefined ? {} : { user }) },
      undefined,
      redactConfig(text).secrets,
      usersIn(parseConfig('f', text)),
    );
    return found && { ...found, password: found.password.reveal((word) => word) };
  };

  it('of a redis are its own before those of its peers', () => {
    expect(from('redis', 'requirepass a\nmasterauth b')).toEqual({ password: 'a' });
    expect(from('redis', 'masteruser rep\nmasterauth b')).toEqual({ password: 'b', user: 'rep' });
    expect(from('redis', 'user default on >c ~* +@all\nmasterauth b')).toEqual({ password: 'c' });
    expect(from('redis', 'port 6379')).toBeUndefined();
  });

  it('of a sentinel are its own, not those of the redis that it watches', () => {
    expect(from('sentinel', 'requirepass s\nsentinel auth-pass g r')).toEqual({ password: 's' });
    expect(from('sentinel', 'sentinel sentinel-user u\nsentinel sentinel-pass p')).toEqual({
      password: 'p',
      user: 'u',
    });
    expect(from('sentinel', 'sentinel auth-user g x\nsentinel auth-pass g r')).toBeUndefined();
  });

  it("of a named user are that user's alone", () => {
    expect(from('redis', 'requirepass a\nuser ops on >o ~* +@all', 'ops')).toEqual({
      password: 'o',
      user: 'ops',
      always: true,
    });
    expect(from('redis', 'requirepass a', 'ops')).toBeUndefined();
    const given = credentialsOf({ kind: 'redis', user: 'ops' }, new Secret('g'), new Map(), {});
    expect(given).toMatchObject({ user: 'ops', always: true });
  });
});
