import { expect, test } from 'vitest';
import { clientsIn, commandsBetween, mayHaveWritten } from '../../src/redis/clients.js';

const list = [
  'id=3 addr=10.0.1.2:38614 laddr=10.0.1.1:6379 fd=8 name= age=9 idle=0 flags=S db=0 cmd=replconf user=default',
  'id=5 addr=10.0.1.9:51220 laddr=10.0.1.1:6379 fd=9 name=sentinel-0c85dbe2-cmd age=9 idle=0 flags=N cmd=ping',
  'id=6 addr=10.0.1.9:51222 laddr=10.0.1.1:6379 fd=10 name=sentinel-0c85dbe2-pubsub flags=P cmd=subscribe',
  'id=7 addr=10.0.1.3:6379 laddr=10.0.1.1:51222 fd=11 name= flags=M cmd=NULL',
  'id=8 addr=127.0.0.1:40000 laddr=127.0.0.1:6379 fd=12 name= flags=N cmd=client|list user=default',
  'id=9 addr=10.0.2.17:40001 laddr=10.0.1.1:6379 fd=13 name=app flags=N cmd=SET user=shop tot-net-in=90 tot-cmds=41',
  'id=10 addr=[2001:db8::7]:40002 laddr=[2001:db8::1]:6379 fd=14 name= flags=N cmd=get user=default',
  'id=11 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=15 name= flags=U cmd=NULL',
  '',
].join('\n');

test('CLIENT LIST without what belongs to the fleet and without who asks', () => {
  expect(clientsIn(list)).toEqual([
    { id: '9', address: '10.0.2.17', command: 'set', totalCommands: 41 },
    { id: '10', address: '[2001:db8::7]', command: 'get' },
    { id: '11', address: '/run/redis.sock', command: 'null' },
  ]);
  expect(clientsIn('no list at all\nid=1\n=\n')).toEqual([]);
});

test('commands of clients between two readings, and the writes among them', () => {
  const before = new Map([
    ['cmdstat_set', 'calls=10,usec=9'],
    ['cmdstat_get', 'calls=5,usec=1'],
    ['cmdstat_ping', 'calls=1,usec=1'],
  ]);
  const after = new Map([
    ['cmdstat_set', 'calls=40,usec=99'],
    ['cmdstat_get', 'calls=25,usec=9'],
    ['cmdstat_ping', 'calls=90,usec=9'],
    ['cmdstat_client|list', 'calls=2,usec=9'],
    ['cmdstat_json.set', 'calls=3,usec=9'],
    ['other', 'calls=900'],
  ]);
  expect(commandsBetween(before, after)).toEqual({ commands: 53, writes: 33 });
  // CONFIG RESETSTAT in between: nothing is counted below zero.
  expect(commandsBetween(after, before)).toEqual({ commands: 0, writes: 0 });
});

test.each([
  ['set', true],
  ['evalsha', true],
  ['exec', true],
  ['get', false],
  ['null', false],
])('last command %s may have written: %s', (command, may) => {
  expect(mayHaveWritten(command)).toBe(may);
});
