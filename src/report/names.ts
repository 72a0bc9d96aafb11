import type { NotSeen } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey } from '../model/survey.js';
import { printable } from './escape.js';

/** The node that serves `host:port`, by its name; the address itself when the fleet file names no such node. */
export function nodeAt(group: GroupSurvey, address: string | undefined): string {
  if (address === undefined || address === '') return '-';
  const node = group.redis.find((each) => `${each.address}:${each.port}` === address);
  return printable(node?.node ?? address);
}

/** The name of a node for a table: its host's where that says enough. */
export function shortName(node: RedisSurvey | SentinelSurvey): string {
  return printable(node.node === `${node.host}/sentinel` ? node.host : node.node);
}

/** Why a reading is missing, short enough for the end of a row. */
export function whyNot(reading: NotSeen): string {
  const words = {
    absent: 'not there',
    denied: 'may not be read',
    timeout: 'no answer in time',
    refused: 'refused',
    'too-large': 'too large to read',
    unparseable: 'could not be understood',
    'not-asked': 'not asked',
  } as const;
  return printable(reading.detail === '' ? words[reading.why] : reading.detail);
}
