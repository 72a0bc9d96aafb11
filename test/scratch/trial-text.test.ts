import { describe, expect, it } from 'vitest';
import { trialText } from '../../src/scratch/trial-text.js';

function linesOf(kind: 'redis' | 'sentinel', text: string, more: Record<string, string> = {}): readonly string[] {
  const texts = new Map([['/c/main.conf', text], ...Object.entries(more)]);
  return trialText(kind, { main: '/c/main.conf', texts, globs: new Map() }).text.split('\n');
}

describe('the copy for a trial touches nothing', () => {
  it.each([
    'logfile /var/log/x.log',
    'PIDFILE /run/x.pid',
    'dir /var/lib/redis',
    'aclfile /etc/redis/users.acl',
    'loadmodule /x.so arg',
    'unixsocket /run/x.sock',
    'daemonize yes',
    'supervised systemd',
    'tls-cert-file /etc/x.pem',
    'syslog-enabled yes',
    '  "logfile" "/var/log/x.log"',
  ])('blanks %s', (line) => {
    expect(linesOf('redis', `# first\n${line}\nmaxmemory 1gb\n`).slice(0, 3)).toEqual(['# first', '', 'maxmemory 1gb']);
  });

  it('blanks programs and announcements of a sentinel', () => {
    const text =
      'sentinel notification-script m /x.sh\nSENTINEL Client-Reconfig-Script m /y.sh\nsentinel announce-ip 1.2.3.4\n';
    expect(linesOf('sentinel', text).slice(0, 3)).toEqual(['', '', '']);
  });

  it('leads every address to loopback, equal ones to equal ones', () => {
    const text = [
      'sentinel monitor m 10.0.0.1 6379 2',
      'sentinel known-replica m 10.0.0.2 6379',
      'sentinel known-sentinel m 10.0.0.2 26379 aaaa',
      'sentinel known-slave m 10.0.0.1 6379',
      'sentinel myid 0123456789012345678901234567890123456789',
    ].join('\n');
    const [monitor, replica, peer, slave, myid] = linesOf('sentinel', text);
    expect([monitor, replica, peer, slave]).toEqual([
      'sentinel monitor m 127.0.0.1 1 2',
      'sentinel known-replica m 127.0.0.2 1',
      'sentinel known-sentinel m 127.0.0.3 1 aaaa',
      'sentinel known-slave m 127.0.0.1 1',
    ]);
    expect(myid).toMatch(/^sentinel myid [0-9a-f]{40}$/);
    expect(myid).not.toContain('0123456789012345678901234567890123456789');
    expect(linesOf('redis', 'replicaof 10.0.0.1 6379\nslaveof no one').slice(0, 2)).toEqual([
      'replicaof 127.0.0.1 1',
      'slaveof no one',
    ]);
  });

  it('keeps what the parser is asked about', () => {
    const wrong = ['port 1 # c', 'replicaof h p # c', 'requirepass "open', 'sentinel monitor m 1.2.3.4', 'bogus yes'];
    expect(linesOf('redis', wrong.join('\n')).slice(0, 5)).toEqual(wrong);
  });

  it('puts includes in their place and knows where each line came from', () => {
    const texts = new Map([
      ['/c/main.conf', 'maxmemory 1gb\ninclude /c/a.conf\nport 6379\n'],
      ['/c/a.conf', 'timeout 3\ninclude /c/main.conf\nlogfile /l'],
    ]);
    const made = trialText('redis', { main: '/c/main.conf', texts, globs: new Map() });
    expect(made.text.split('\n').slice(0, 6)).toEqual(['maxmemory 1gb', '', 'timeout 3', '', '', 'port 0']);
    expect(made.origins.slice(0, 6).map((line) => `${line?.file}:${line?.line}`)).toEqual([
      '/c/main.conf:1',
      '/c/main.conf:2',
      '/c/a.conf:1',
      '/c/a.conf:2',
      '/c/a.conf:3',
      '/c/main.conf:3',
    ]);
  });
});
