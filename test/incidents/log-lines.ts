import { addressOf, id } from './places.js';

const none = '0'.repeat(40);

/** A start, up to the moment when it serves. */
export function started(time: string, version: string, role: 'M' | 'S'): readonly string[] {
  const name = version.startsWith('valkey') ? 'Valkey' : 'Redis';
  const number = version.replace('valkey ', '');
  return [
    `${time} C ${name} version=${number}, bits=64, commit=00000000, modified=0, pid=811, just started`,
    `${time} ${role} Ready to accept connections`,
  ];
}

/** A master that draws the id of a history for its first replica. */
export function madeHistory(time: string, letter: string, replica: string): readonly string[] {
  return [
    `${time} M Replica ${addressOf(replica)}:6379 asks for synchronization`,
    `${time} M Replication backlog created, my new replication IDs are '${id(letter)}' and '${none}'`,
    `${time} M Synchronization with replica ${addressOf(replica)}:6379 succeeded`,
  ];
}

/** A replica that takes a full copy. */
export function copied(time: string, from: string, letter: string, offset: number): readonly string[] {
  return [
    `${time} S Connecting to MASTER ${addressOf(from)}:6379`,
    `${time} S Full resync from master: ${id(letter)}:${offset}`,
    `${time} S MASTER <-> REPLICA sync: Flushing old data`,
  ];
}

/** A replica that goes on where it was, in a history that the new master made of the old one. */
export function wentOn(
  time: string,
  from: string,
  [old, letter]: readonly [string, string],
  offset: number,
): readonly string[] {
  return [
    `${time} S REPLICAOF ${addressOf(from)}:6379 enabled (user request from 'id=7 addr=10.0.0.1:4000 name=sentinel-aabbccdd-cmd age=9')`,
    `${time} S Connecting to MASTER ${addressOf(from)}:6379`,
    `${time} S Trying a partial resynchronization (request ${id(old)}:${offset}).`,
    `${time} S Successful partial resynchronization with master.`,
    `${time} S Master replication ID changed to ${id(letter)}`,
  ];
}

/** A promotion; `upTo` as Redis prints it, one past the last shared byte. */
export function promoted(time: string, [old, letter]: readonly [string, string], upTo: number): readonly string[] {
  return [
    `${time} M Setting secondary replication ID to ${id(old)}, valid up to offset: ${upTo}. New replication ID is ${id(letter)}`,
    `${time} M MASTER MODE enabled (user request from 'id=5 addr=10.0.0.1:4000 name=sentinel-aabbccdd-cmd age=1')`,
  ];
}

/** An orderly stop that saved. */
export function stoppedWhole(time: string, role: 'M' | 'S'): readonly string[] {
  return [
    `${time} ${role} User requested shutdown...`,
    `${time} ${role} Saving the final RDB snapshot before exiting.`,
    `${time} ${role} DB saved on disk`,
    `${time} ${role} Redis is now ready to exit, bye bye...`,
  ];
}
