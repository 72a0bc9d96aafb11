import { describe, expect, it } from 'vitest';
import {
  isServerFile,
  isServerName,
  parseBootTime,
  parseCommandLine,
  parseListening,
  parseStat,
  parseTitle,
  plainAddress,
} from '../../src/hosts/proc-formats.js';

describe('/proc/PID/stat', () => {
  const rest = 'S 1 4242 4242 0 -1 4194560 2215 0 0 0 12 8 0 0 20 0 5 0 987654 73400320 1200 18446744073709551615';

  it('reads the start whatever the command is called', () => {
    for (const command of ['redis-server', 'a) Z (b', 'two words', '']) {
      expect(parseStat(`4242 (${command}) ${rest}`)).toEqual({ pid: 4242, command, state: 'S', startTicks: 987654n });
    }
  });

  it('is undefined for what is none', () => {
    for (const text of ['', '4242', '4242 (x)', '4242 (x) S 1 2']) expect(parseStat(text)).toBeUndefined();
  });

  it('knows the boot time', () => {
    expect(parseBootTime('cpu  1 2 3\nbtime 1767225600\nprocesses 9\n')).toBe(1767225600);
  });
});

describe('/proc/net/tcp', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

  it('gives the listening sockets with owner and inode', () => {
    const text = `${head}   0: 0B00007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 44721 1 0000000000000000 100 0 0 10 0
   1: 0B00007F:18EB 0B00007F:C001 01 00000000:00000000 00:00000000 00000000   105        0 44790 1 0000000000000000 20 4 30 10 -1
   2: 00000000:670B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51 1 0000000000000000 100 0 0 10 0\n`;
    expect(parseListening(text)).toEqual([
      { address: '127.0.0.11', port: 6379, uid: 105, inode: '44721' },
      { address: '0.0.0.0', port: 26379, uid: 0, inode: '51' },
    ]);
  });

  it('reads IPv6, and IPv4 inside it as IPv4', () => {
    const line = (hex: string) =>
      `   0: ${hex}:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 7 1 0 100 0 0 10 0`;
    const address = (hex: string) => parseListening(line(hex))[0]?.address;
    expect(address('00000000000000000000000001000000')).toBe('::1');
    expect(address('00000000000000000000000000000000')).toBe('::');
    expect(address('0000000000000000FFFF00000B00007F')).toBe('127.0.0.11');
    expect(address('B80D0120000000000000000001000000')).toBe('2001:db8::1');
  });

  it('compares addresses in one form', () => {
    expect(plainAddress('2001:0DB8:0:0::1')).toBe('2001:db8::1');
    expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('redis.example')).toBe('redis.example');
  });
});

describe('servers', () => {
  it('are known by file and by name', () => {
    expect(isServerFile('/usr/bin/redis-check-rdb')).toBe(true);
    expect(isServerFile('/usr/bin/valkey-server (deleted)')).toBe(true);
    expect(isServerFile('/usr/bin/redis-cli')).toBe(false);
    expect(isServerName(['redis-server 127.0.0.11:6379'])).toBe(true);
    expect(isServerName(['/opt/redis/redis-sentinel', '/etc/s.conf'])).toBe(true);
    expect(isServerName(['redis-rdb-bgsave 127.0.0.11:6379'])).toBe(false);
    expect(isServerName(['redis-check-rdb', 'dump.rdb'])).toBe(false);
  });

  it('have titles', () => {
    const title = (text: string) => parseTitle(parseCommandLine(text));
    expect(title('redis-server 127.0.0.11:6379\0\0\0')).toEqual({ address: '127.0.0.11', port: 6379, sentinel: false });
    expect(title('redis-server *:26379 [sentinel]\0')).toEqual({ address: '*', port: 26379, sentinel: true });
    expect(title('redis-server ::1:6379\0')).toEqual({ address: '::1', port: 6379, sentinel: false });
    expect(title('redis-server\0/etc/redis/redis.conf\0')).toBeUndefined();
  });
});
