import { describe, expect, it } from 'vitest';
import { configFacts, includesIn } from '../../src/discover/config-facts.js';
import { facts } from './machines.js';

describe('what a config file says of its node', () => {
  it('reads whom a sentinel knows, in the old and the new spelling', () => {
    const found = facts(
      '/etc/sentinel.conf',
      'bind 10.0.10.1 127.0.0.1',
      'SENTINEL monitor shop 10.0.10.1 6379 2',
      'sentinel known-slave shop 10.0.10.2 6379',
      'sentinel known-replica shop 10.0.10.3 6380',
      'sentinel known-sentinel shop 10.0.10.2 26379 abc',
      'sentinel monitor cache 10.0.20.1 7000 2',
    );
    expect(found).toMatchObject({ kind: 'sentinel', port: 26379, binds: ['10.0.10.1', '127.0.0.1'], hasRun: false });
    expect(found.watches).toEqual([
      {
        group: 'shop',
        master: { host: '10.0.10.1', port: 6379 },
        replicas: [
          { host: '10.0.10.2', port: 6379 },
          { host: '10.0.10.3', port: 6380 },
        ],
        sentinels: [{ host: '10.0.10.2', port: 26379 }],
      },
      { group: 'cache', master: { host: '10.0.20.1', port: 7000 }, replicas: [], sentinels: [] },
    ]);
  });

  it('reads the master of a replica, in one word or two, and lets the last line count', () => {
    expect(facts('/r.conf', 'slaveof 10.0.0.9 6379', 'replicaof "10.0.0.1 6380"').replicaOf).toEqual({
      host: '10.0.0.1',
      port: 6380,
    });
    expect(facts('/r.conf', 'save 900 1', 'replicaof no one').replicaOf).toBeUndefined();
  });

  it('takes what a node announces before where it listens, and the TLS port where the fleet knows it by that', () => {
    expect(
      facts('/r.conf', 'save ""', 'port 6379', 'replica-announce-ip 192.0.2.7', 'replica-announce-port 7001'),
    ).toMatchObject({
      announces: '192.0.2.7',
      port: 7001,
    });
    expect(facts('/r.conf', 'save ""', 'port 6379', 'tls-port 6380', 'tls-replication yes')).toMatchObject({
      port: 6380,
      ports: [6379, 6380],
    });
    expect(facts('/s.conf', 'sentinel announce-ip 192.0.2.8', 'sentinel announce-port 5000')).toMatchObject({
      announces: '192.0.2.8',
      port: 5000,
    });
  });

  it('knows no address from a bind of all of them', () => {
    for (const bind of ['bind *', 'bind 0.0.0.0', 'bind * -::*', ''])
      expect(facts('/r.conf', 'save ""', bind).binds).toEqual([]);
    expect(facts('/r.conf', 'save ""', 'bind 10.0.0.1 -::1').binds).toEqual(['10.0.0.1', '::1']);
  });

  it('says nothing of a file of another program, and drops places that are none', () => {
    expect(configFacts('/etc/x.conf', new Map([['/etc/x.conf', 'port 80\nlisten = yes']]))).toBeUndefined();
    const found = facts(
      '/s.conf',
      'sentinel monitor shop 10.0.10.1 99999 2',
      'sentinel monitor cache 10.0.10.1 6379 2',
      'sentinel known-replica cache 10.0.10.2 0',
      'sentinel known-replica cache "" 6379',
      'sentinel known-sentinel cache 10.0.10.3',
    );
    expect(found.watches).toEqual([
      { group: 'cache', master: { host: '10.0.10.1', port: 6379 }, replicas: [], sentinels: [] },
    ]);
  });

  it('holds no secret', () => {
    const found = facts(
      '/s.conf',
      'requirepass canary-1',
      'sentinel monitor g 10.0.0.1 6379 2',
      'sentinel auth-pass g canary-2',
    );
    expect(JSON.stringify(found)).not.toContain('canary');
  });

  it('follows includes', () => {
    expect(includesIn('/r.conf', 'include /etc/redis/own.conf\ninclude conf.d/*.conf\ninclude /x/*.conf')).toEqual([
      '/etc/redis/own.conf',
    ]);
    const texts = new Map([
      ['/r.conf', 'save ""\nport 6379\ninclude /own.conf'],
      ['/own.conf', 'port 7000\nreplicaof 10.0.0.1 7000'],
    ]);
    expect(configFacts('/r.conf', texts)).toMatchObject({ port: 7000, replicaOf: { host: '10.0.0.1', port: 7000 } });
  });
});
