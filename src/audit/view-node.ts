import type { NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import { mapSeen, type NotSeen, type Seen } from '../model/seen.js';
import { willGive } from '../redis/effective.js';
import { parseInfo } from '../redis/info.js';
import { readRdbEdges } from '../redis/rdb.js';
import { statementOf } from '../redis/sentinel-conf.js';
import { aofOf } from '../survey/aof-files.js';
import { runningOf } from '../survey/interpret-redis.js';
import { sentinelRunning, viewOf, withoutProcess } from '../survey/interpret-sentinel.js';
import { processOf } from '../survey/processes.js';
import { answerOf, contentOf, edgesOf, fileOf, follows, notMade, textAnswerOf } from '../survey/raw-access.js';
import { unmanaged } from './managed.js';
import { linesSeen, mainFile, type NodeConfig, nodeConfig, settingOf, textsOf } from './node-config.js';
import { passwordHash } from './settings.js';
import { startTextOf } from './start-text.js';
import type { Target } from './target.js';
import type { AnyNode, NodeAt, RedisNode, SecretFacts, SentinelConf, SentinelNode } from './view.js';

/** What the audit knows of a fleet beside inventory and RawHosts. */
export interface FleetFacts {
  readonly from: 'live' | 'survey' | 'files';
  /** The version of `--target`; where none was given, what a node without a known version is read as. */
  readonly target: Target;
  /** `--target` was given: every node is read as that version. */
  readonly forced: boolean;
  /** By keyed hash: what was noticed of a password while its file was read. */
  readonly secrets: ReadonlyMap<string, SecretFacts>;
  /** How a file is shown where that is not the path under which Redis opens it: by node id, NUL and that path. */
  readonly shown: ReadonlyMap<string, string>;
}

/** A node with what was seen of its host, and the version that it is read as. */
export interface OneNode {
  readonly node: NodeEntry;
  readonly raw: RawHost;
  readonly target: Target;
  /** A service manager starts it. */
  readonly managed: boolean;
}

/** A redis node as rules see it; each member is read when it is asked for. */
export function redisNode(one: OneNode, facts: FleetFacts): RedisNode {
  const { node, raw, target } = one;
  const common = anyNode(one, facts);
  const gives = once(() =>
    mapSeen(common.whole(), ({ main, lines, argv }) => willGive(main, lines, argv, target.compatible)),
  );
  const running = once(() => runningOf(raw, node, common.view.process));
  return joined(common.view, {
    get gives() {
      return gives();
    },
    get running() {
      return running();
    },
    live: (name: string) => configGet(raw, node, name, common.view.process),
    get rdb() {
      const file = fileOf(raw, node, 'rdb');
      return contentOf(raw, node.id, 'rdb', file, (content) => {
        const { head, tail } = edgesOf(content);
        return readRdbEdges(head, tail, file?.stat.ok ? file.stat.value.sizeBytes : 0n);
      });
    },
    get aof() {
      return aofOf(raw, node, gives());
    },
  });
}

/** A sentinel as rules see it; each member is read when it is asked for. */
export function sentinelNode(one: OneNode, facts: FleetFacts): SentinelNode {
  const { node, raw, target } = one;
  const common = anyNode(one, facts);
  const conf = once(() =>
    mapSeen(common.whole(), ({ effective }): SentinelConf => {
      const statements = effective.lines.flatMap((line) => {
        const statement = statementOf(line);
        return statement === undefined ? [] : [{ ...statement, line }];
      });
      return { node: common.view.at, target, statements };
    }),
  );
  return joined(common.view, {
    get conf() {
      return conf();
    },
    get running() {
      return withoutProcess(sentinelRunning(raw, node), common.view.process);
    },
    view: (group: string) => withoutProcess(viewOf(raw, node, group), common.view.process),
  });
}

/** The members of any node; each is read when it is asked for, once where that costs. */
function anyNode({ node, raw, target, managed }: OneNode, facts: FleetFacts) {
  const main = mainFile(raw, node);
  const at = nodeAt(node, main?.path);
  const texts = once(() => textsOf(raw, node));
  const config = once((): Seen<NodeConfig> => mapSeen(texts(), (value) => nodeConfig(raw, node, value, target)));
  const whole = (): Seen<NodeConfig> => {
    const seen = config();
    return seen.ok && seen.value.gap !== undefined ? seen.value.gap.missing : seen;
  };
  const startText = once(() => mapSeen(texts(), (value) => startTextOf(value, node.start, target, facts.secrets)));
  const wholeStartText = once(() => {
    const seen = whole();
    return seen.ok ? startText() : seen;
  });
  const setting = (name: string) => settingOf(raw, at, config(), name);
  const process = once(() => processOf(raw, node));
  const password = (name: string) => mapSeen(setting(name), (value) => ({ ...value, hash: passwordHash(value) }));
  const view: AnyNode = {
    at,
    target,
    get texts() {
      return texts();
    },
    get startText() {
      return startText();
    },
    get wholeStartText() {
      return wholeStartText();
    },
    get badIncludes() {
      const seen = config();
      if (!seen.ok) return seen;
      const { badIncludes, gap } = seen.value;
      return badIncludes.length === 0 && gap !== undefined
        ? gap.missing
        : { ...seen, value: badIncludes.map((one) => ({ node: at, ...one })) };
    },
    configStat: main?.stat ?? notMade(raw, node.id, 'config file'),
    configDirStat: fileOf(raw, node, 'config-dir')?.stat ?? notMade(raw, node.id, 'directory of the config file'),
    setting,
    linesOf: (name) => linesSeen(raw, at, config(), name),
    password,
    passwordFacts: (name) => {
      const seen = password(name);
      if (!seen.ok) return seen;
      const known = seen.value.hash === undefined ? undefined : facts.secrets.get(seen.value.hash);
      if (seen.value.hash !== undefined && known === undefined) return secretUnread(raw, at, name);
      return { ...seen, value: { ...seen.value, facts: known } };
    },
    answer: (command) => textAnswerOf(raw, node.id, command),
    get info() {
      return mapSeen(textAnswerOf(raw, node.id, 'INFO'), parseInfo);
    },
    get process() {
      return process();
    },
    get unit() {
      if (!managed && facts.from !== 'files') return unmanaged(raw, node);
      const units = raw.units ?? notMade(raw, node.id, 'unit');
      if (!units.ok) return units;
      const own = units.value.find((unit) => unit.node === node.id);
      return own === undefined ? notMade(raw, node.id, 'unit') : follows(raw, node.id, own.unit, own);
    },
  };
  return { view, whole };
}

/** Both together, with their getters as they are: nothing is read by joining them. */
function joined<T extends object>(view: AnyNode, own: T): AnyNode & T {
  const members = { ...Object.getOwnPropertyDescriptors(view), ...Object.getOwnPropertyDescriptors(own) };
  return Object.create(null, members) as AnyNode & T;
}

function configGet(raw: RawHost, node: NodeEntry, name: string, process: RedisNode['process']): Seen<string> {
  const answer = mapSeen(answerOf(raw, node.id, `CONFIG GET ${name}`), (value) => {
    const words = Array.isArray(value) ? value : [];
    const at = words.findIndex((word, index) => index % 2 === 0 && word === name);
    const found = at < 0 ? undefined : words[at + 1];
    if (typeof found !== 'string') throw new Error(`CONFIG GET ${name} was not answered with a value`);
    return found;
  });
  return withoutProcess(answer, process);
}

function nodeAt(node: NodeEntry, path: string | undefined): NodeAt {
  const { kind, id, host, address, port } = node;
  return { kind, id, host, address, port, main: path ?? node.config };
}

function secretUnread(raw: RawHost, at: NodeAt, name: string): NotSeen {
  const from = { host: at.host, node: at.id, source: `${at.main} ${name}` };
  return {
    ok: false,
    why: 'not-asked',
    detail: 'the password itself was not read, only a hash of it',
    from,
    at: raw.at,
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
