import { splitArgs } from '../../redis/tokenise.js';
import { atLeast } from '../../redis/versions.js';
import type { Target } from '../target.js';
import { isTable } from './known.js';
import { atoi, isWhole, nearestZero } from './numbers.js';
import { memoryValue } from './values.js';

/** `args` without the directive. Returns the server's reason, undefined when it takes them. */
type Judge = (args: readonly string[], target: Target) => string | undefined;

const count = 'wrong number of arguments';
const bad = 'Bad directive or wrong number of arguments';
const maxAddresses = 16;

/** Directives whose arguments are judged together (config.c: createSpecialConfig, in 6.x the branches of the loader). */
const judges: Readonly<Record<string, Judge>> = {
  bind: (args, target) => {
    if (!isTable(target) && args.length === 0) return bad;
    return args.length > maxAddresses ? 'Too many bind addresses specified' : undefined;
  },
  dir: (args, target) => (args.length === 1 ? undefined : isTable(target) ? count : bad),
  save: (args, target) => (isTable(target) ? refusedSave(args) : refusedOldSave(args)),
  buffers: (args, target) => (isTable(target) ? refusedBuffers(args) : refusedOldBuffers(args)),
  'oom-values': (args, target) => {
    if (args.length !== 3) return isTable(target) ? count : bad;
    const fine = args.every((word) => isWhole(word) && inRange(nearestZero(word, 10), -2000n, 2000n));
    return fine ? undefined : 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.';
  },
  events: (args, target) => {
    if (args.length !== 1) return isTable(target) ? count : bad;
    const legal = isTable(target) ? /^[Ag$lshzxeKEtmdn]*$/ : /^[Ag$lshzxeKEtm]*$/;
    if (legal.test(args[0] ?? '')) return undefined;
    return `Invalid event class character. Use '${isTable(target) ? 'Ag$lshzxeKEtmdn' : 'g$lshzxeA'}'.`;
  },
  replicaof: (args, target) => {
    if (args.length !== 2) return isTable(target) ? count : bad;
    const [host = '', port = ''] = args;
    if (/^no$/i.test(host) && /^one$/i.test(port)) return undefined;
    const fine = isWhole(port) && inRange(nearestZero(port, 10), 0n, 65535n);
    const word = target.flavour === 'valkey' && atLeast(target.version, '8.0') ? 'primary' : 'master';
    return fine ? undefined : `Invalid ${word} port`;
  },
  percentiles: (args) => {
    if (args.length === 1 && args[0] === '') return undefined;
    const numbers = args.map((word) =>
      /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word) ? Number(word) : undefined,
    );
    for (const number of numbers) {
      if (number === undefined) return 'Invalid latency-tracking-info-percentiles parameters';
      if (number < 0 || number > 100) {
        return 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]';
      }
    }
    return undefined;
  },
  title: (args) => {
    if (args.length !== 1) return count;
    const bare = (args[0] ?? '')
      .replaceAll('{{', '')
      .replace(/\{(?:title|listen-addr|server-mode|port|tls-port|unixsocket|config-file)\}/g, '');
    const fine = args[0] !== '' && !bare.includes('{');
    return fine ? undefined : 'template format is invalid or contains unknown variables';
  },
  ipv4: (args) => refusedAddress(args, /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/, 'Invalid IPv4 address'),
  ipv6: (args) => refusedAddress(args, /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/, 'Invalid IPv6 address'),
  nodename: (args) => {
    if (args.length !== 1) return count;
    const odd = /[!#$%&()*+:;<>?@[\]^{|}~]/.test(args[0] ?? '');
    return odd ? 'Announced human node name contained invalid character' : undefined;
  },
  include: (args) => (args.length === 1 ? undefined : bad),
  loadmodule: (args) => (args.length > 0 ? undefined : bad),
};

const severalArguments: ReadonlySet<string> = new Set([
  'bind',
  'save',
  'buffers',
  'oom-values',
  'replicaof',
  'percentiles',
]);

/** Whether the value of the table names a function of this file. */
export function isSpecial(value: string): boolean {
  return Object.hasOwn(judges, value);
}

/**
 * The reason against the arguments of a special directive. From 7.0 on a directive of several arguments splits a single
 * one once more, as its options on a command line need (config.c:loadServerConfigFromString).
 */
export function refusedSpecial(value: string, args: readonly string[], target: Target): string | undefined {
  const sole = args.length === 1 ? args[0] : undefined;
  const split = isTable(target) && severalArguments.has(value) && sole !== undefined && sole !== '';
  return judges[value]?.(split ? (splitArgs(sole) ?? []) : args, target);
}

function inRange(number: bigint, min: bigint, max: bigint): boolean {
  return number >= min && number <= max;
}

function refusedSave(args: readonly string[]): string | undefined {
  if (args.length === 1 && args[0] === '') return undefined;
  const fine = args.every((word, at) => isWhole(word) && nearestZero(word, 10) >= (at % 2 === 0 ? 1n : 0n));
  return args.length % 2 === 0 && fine ? undefined : 'Invalid save parameters';
}

/** In 6.x only two arguments are looked at, with atoi. */
function refusedOldSave([seconds, changes, ...more]: readonly string[]): string | undefined {
  if (seconds === undefined || changes === undefined || more.length > 0) return undefined;
  return atoi(seconds) < 1 || atoi(changes) < 0 ? 'Invalid save parameters' : undefined;
}

function refusedBuffers(args: readonly string[]): string | undefined {
  if (args.length % 4 !== 0) return 'Wrong number of arguments in buffer limit configuration.';
  for (let at = 0; at < args.length; at += 4) {
    const [kind = '', hard = '', soft = '', seconds = ''] = args.slice(at, at + 4);
    if (!isBufferClass(kind)) return 'Invalid client class specified in buffer limit configuration.';
    const sized = memoryValue(hard) !== undefined && memoryValue(soft) !== undefined;
    if (!sized || !isWhole(seconds) || atoi(seconds) < 0) {
      return 'Error in hard, soft or soft_seconds setting in buffer limit configuration.';
    }
  }
  return undefined;
}

function refusedOldBuffers(args: readonly string[]): string | undefined {
  if (args.length !== 4) return bad;
  if (!isBufferClass(args[0] ?? '')) {
    return "Unrecognized client limit class: the user specified an invalid one, or 'master' which has no buffer limits.";
  }
  return atoi(args[3] ?? '') < 0 ? 'Negative number of seconds in soft limit is invalid' : undefined;
}

function isBufferClass(word: string): boolean {
  return /^(?:normal|slave|replica|pubsub)$/i.test(word);
}

function refusedAddress(args: readonly string[], form: RegExp, says: string): string | undefined {
  if (args.length !== 1) return count;
  return args[0] === '' || form.test(args[0] ?? '') ? undefined : says;
}
