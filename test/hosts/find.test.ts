import { describe, expect, it } from 'vitest';
import { readPlaces } from '../../src/hosts/remote/find.js';

describe('what a host says of its places', () => {
  it('reads units, addresses and config files as they are printed', () => {
    const found = readPlaces(`name pv1
address 127.0.0.1
address 10.0.10.1
address6 00000000000000000000000000000001
address6 20010db8000000000000000000000005
address6 fe800000000000000000000000000001
config /etc/redis/redis.conf
config /etc/redis/sentinel.conf
in 812 redis-server.service
systemd
show Id=redis-server.service
show LoadState=loaded
show ExecStart={ path=/usr/bin/redis-server ; argv[]=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no ; ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
show 
show Id=redis-exporter.service
show LoadState=loaded
show ExecStart={ path=/usr/bin/redis_exporter ; argv[]=/usr/bin/redis_exporter /etc/x.conf ; }
show 
show Id=redis-old.service
show LoadState=masked
show ExecStart={ path=/usr/bin/redis-server ; argv[]=/usr/bin/redis-server /etc/old.conf ; }
`);
    expect(found).toEqual({
      name: 'pv1',
      addresses: ['10.0.10.1', '2001:db8::5'],
      configs: ['/etc/redis/redis.conf', '/etc/redis/sentinel.conf'],
      units: [{ name: 'redis-server', manager: 'systemd', configs: ['/etc/redis/redis.conf'] }],
      unitOf: { 812: 'redis-server' },
    });
  });

  it('reads the scripts of sysvinit', () => {
    const { units } = readPlaces(
      'script redis-server\nof /etc/redis/redis.conf\nscript redis-sentinel\nof /etc/redis/sentinel.conf\n',
    );
    expect(units).toEqual([
      { name: 'redis-server', manager: 'sysvinit', configs: ['/etc/redis/redis.conf'] },
      { name: 'redis-sentinel', manager: 'sysvinit', configs: ['/etc/redis/sentinel.conf'] },
    ]);
  });

  it('passes over what is no line of its own, and names that hide something', () => {
    const found = readPlaces(
      'Welcome to pv1\nconfig relative.conf\nconfig /etc/a\u001b[2J.conf\nscript -x\nin x y\nshow Id=a;b.service\n',
    );
    expect(found).toEqual({ name: '', addresses: [], configs: [], units: [], unitOf: {} });
  });
});
