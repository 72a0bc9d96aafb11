import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPolicy } from '../../src/audit/policy.js';
import { parseBaseline, parsePolicy } from '../../src/audit/policy-file.js';
import { allRules } from '../../src/audit/rules/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { RunbookError } from '../../src/errors.js';
import { newLock, parseLock } from '../../src/execute/lock-file.js';
import { parseInventory } from '../../src/inventory/load.js';
import type { Prng } from '../../src/lab/prng.js';
import { fromJson } from '../../src/model/json.js';
import { parseLeftOut, printLeftOut } from '../../src/model/left-out.js';
import type { RawLine, Resp } from '../../src/model/raw-host.js';
import { parsePlanFile } from '../../src/plan/plan-file.js';
import { parseRunbook } from '../../src/plan/runbook-file.js';
import { createAofReader, parseManifest } from '../../src/redis/aof.js';
import { createAofFrames, findCommands } from '../../src/redis/aof-frames.js';
import { applyRedisIntent } from '../../src/redis/edit-redis.js';
import { applySentinelIntent } from '../../src/redis/edit-sentinel.js';
import { willGive } from '../../src/redis/effective.js';
import { parseInfoSentinel, parseRunningRedis } from '../../src/redis/info.js';
import { keyspaceOf } from '../../src/redis/keyspace.js';
import { parseRedisLog } from '../../src/redis/log.js';
import { createRdbReader, readRdbEdges } from '../../src/redis/rdb.js';
import { parseConfig, printConfig } from '../../src/redis/redis-conf.js';
import { redactConfig } from '../../src/redis/secrets.js';
import {
  parseSentinelMaster,
  parseSentinelReplicas,
  parseSentinelSentinels,
} from '../../src/redis/sentinel-answers.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';
import { parseSentinelLog } from '../../src/redis/sentinel-log.js';
import { readSavedSurvey } from '../../src/survey/saved-schema.js';

/** One format: whole samples of it, and everything of the tool that reads it. */
export interface Format {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** Throws what the readers throw. */
  read(bytes: Uint8Array, prng: Prng): void;
}

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const files = (directory: string, name: RegExp): readonly Uint8Array[] =>
  readdirSync(here(directory))
    .filter((file) => name.test(file))
    .map((file) => readFileSync(join(here(directory), file)));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Every reader may be refused by the next one: what one throws does not keep the others from the bytes. */
function each(...readers: readonly (() => unknown)[]): void {
  const thrown: unknown[] = [];
  for (const reader of readers) {
    try {
      reader();
    } catch (error) {
      thrown.push(error);
    }
  }
  const foreign = thrown.find((error) => !isOwn(error));
  if (foreign !== undefined) throw foreign;
}

/** An error that a reader promises: a sentence of ours, and not a TypeError or a stack that ran over. */
export function isOwn(error: unknown): boolean {
  return error instanceof RunbookError || (error instanceof Error && error.constructor === Error);
}

function fedInPieces(bytes: Uint8Array, prng: Prng, feed: (piece: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const length = prng.between(1, prng.pick([3, 100, 8192]));
    feed(bytes.subarray(at, at + length));
    at += length;
  }
}

const linesOf = (bytes: Uint8Array): readonly RawLine[] =>
  textOf(bytes)
    .split('\n')
    .map((text, index) => ({ file: 'log', line: index + 1, text }));

const rdb: Format = {
  name: 'RDB',
  samples: files('fixtures/rdb', /\.rdb$/),
  read: (bytes, prng) =>
    each(
      () => {
        const reader = createRdbReader();
        fedInPieces(bytes, prng, (piece) => reader.feed(piece));
        reader.end();
      },
      () => readRdbEdges(bytes.subarray(0, 512), bytes.subarray(-256), BigInt(bytes.length) + 512n),
      () => readRdbEdges(bytes, new Uint8Array(), BigInt(bytes.length)),
    ),
};

const aof: Format = {
  name: 'AOF',
  samples: [...files('fixtures/aof', /\.(aof|rdb)$/)],
  read: (bytes, prng) =>
    each(
      () => {
        const reader = createAofReader();
        fedInPieces(bytes, prng, (piece) => reader.feed(piece));
        reader.end();
      },
      () => {
        const frames = createAofFrames({});
        fedInPieces(bytes, prng, (piece) => frames.feed(piece));
      },
      () => findCommands(bytes, prng.chance(0.5)),
    ),
};

const manifest: Format = {
  name: 'AOF manifest',
  samples: files('fixtures/aof', /manifest$/),
  read: (bytes) => each(() => parseManifest(textOf(bytes))),
};

const redisConf: Format = {
  name: 'redis.conf',
  samples: files('fixtures/redis-conf', /^redis-.*\.conf$/),
  read: (bytes) => {
    const text = textOf(bytes);
    if (printConfig(parseConfig('redis.conf', text)) !== text) throw new TypeError('what was parsed prints otherwise');
    each(
      () => willGive('/etc/redis.conf', parseConfig('/etc/redis.conf', text), [], { major: 7, minor: 0, patch: 15 }),
      () => redactConfig(text),
      () =>
        applyRedisIntent(text, {
          kind: 'redis.conf',
          set: [{ directive: 'replicaof', value: ['10.0.0.9', '6379'] }],
          drop: ['slaveof'],
        }),
      () => audited('redis.conf', text),
    );
  },
};

const sentinelConf: Format = {
  name: 'sentinel.conf',
  samples: files('fixtures/redis-conf', /^sentinel-.*\.conf$/),
  read: (bytes) => {
    const text = textOf(bytes);
    each(
      ...['stn-master', 'mymaster'].flatMap((group) => [
        () => parseSentinelFile('/etc/sentinel.conf', text, group),
        () =>
          applySentinelIntent(text, {
            kind: 'sentinel.conf',
            group,
            master: { host: '10.0.0.9', port: 6379 },
            epoch: 7n,
            forget: [],
          }),
      ]),
      () => redactConfig(text),
      () => audited('sentinel.conf', text),
    );
  },
};

function audited(path: string, text: string): void {
  const file = { path: `/etc/redis/${path}`, named: true, content: { text } };
  const judging = { rules: allRules, policy: defaultPolicy, today: '2026-01-01' };
  auditFiles([file], undefined, undefined, '2026-01-01T00:00:00.000Z', judging);
}

const logs: Format = {
  name: 'log',
  samples: files('fixtures/log', /\.txt$/),
  read: (bytes) =>
    each(
      () => parseRedisLog(linesOf(bytes)),
      () => parseSentinelLog(linesOf(bytes)),
    ),
};

const info: Format = {
  name: 'INFO',
  samples: files('fixtures/redis-conf', /^info-/),
  read: (bytes) =>
    each(
      () => parseRunningRedis(textOf(bytes)),
      () => parseInfoSentinel(textOf(bytes)),
      () =>
        keyspaceOf(
          new Map(
            textOf(bytes)
              .split('\n')
              .map((line) => [line.split(':')[0] ?? '', line.slice(4)]),
          ),
        ),
    ),
};

const answers: Format = {
  name: 'answers of a sentinel',
  samples: files('fixtures/redis-conf', /^sentinel-answers/),
  read: (bytes) => {
    let all: Readonly<Record<string, Resp>>;
    try {
      all = JSON.parse(textOf(bytes)) as Readonly<Record<string, Resp>>;
    } catch {
      return;
    }
    if (typeof all !== 'object' || all === null) return;
    const readers = [parseSentinelMaster, parseSentinelReplicas, parseSentinelSentinels];
    each(...Object.values(all).flatMap((answer) => readers.map((reader) => () => reader(answer))));
  },
};

const fleet: Format = {
  name: 'fleet.yaml',
  samples: files('fixtures/fleet', /\.yaml$/),
  read: (bytes) => each(() => parseInventory('fleet.yaml', textOf(bytes), { uid: 0, mode: 0o600 }, 0)),
};

const runbooks: Format = {
  name: 'runbook',
  samples: files('../runbooks', /\.yaml$/),
  read: (bytes) => each(() => parseRunbook('runbook.yaml', textOf(bytes))),
};

const saved: Format = {
  name: 'saved survey and plan file',
  samples: files('fixtures/raw', /^(sentinel-minority|cascade-crash-rdb)\.json$/),
  read: (bytes) => {
    each(() => parsePlanFile('plan.json', textOf(bytes)));
    let value: unknown;
    try {
      value = fromJson(textOf(bytes));
    } catch {
      return;
    }
    each(() => readSavedSurvey(value));
  },
};

const lock: Format = {
  name: 'lock and left-out note',
  samples: [
    Buffer.from(JSON.stringify({ ...newLock({ run: '7K3Q', who: 'mina@ops', doing: 'HOLD' }, new Date(0)), pid: 7 })),
    Buffer.from(
      printLeftOut([
        { host: 'pv1', why: 'no route', run: '7K3Q', since: '2026-01-01T00:00:00.000Z', group: 'g', who: 'mina@ops' },
      ]),
    ),
  ],
  read: (bytes) =>
    each(
      () => parseLock(textOf(bytes), 'lock.json'),
      () => parseLeftOut(textOf(bytes)),
    ),
};

const policy: Format = {
  name: 'policy and baseline of an audit',
  samples: [
    Buffer.from(
      'profile: dev\nseverity:\n  weak-password: info\nwaivers:\n  - { rule: weak-password, node: pv1, reason: lab, until: 2027-01-31 }\n',
    ),
  ],
  read: (bytes) => {
    const ids = allRules.map(({ id }) => id);
    each(
      () => parsePolicy('policy.yaml', textOf(bytes), ids),
      () => parseBaseline('baseline.json', textOf(bytes)),
    );
  },
};

export const formats: readonly Format[] = [
  lock,
  policy,
  rdb,
  aof,
  manifest,
  redisConf,
  sentinelConf,
  logs,
  info,
  answers,
  fleet,
  runbooks,
  saved,
];
