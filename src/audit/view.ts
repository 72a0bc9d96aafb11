import type { AofSummary, ConfigLine, RdbSummary } from '../model/formats.js';
import type { NodeKind } from '../model/inventory.js';
import type { FileStat, RawProcess, RawSystem, RawUnit } from '../model/raw-host.js';
import type { Seen } from '../model/seen.js';
import type { RunningRedis, SentinelSurvey, SentinelView, WillGive } from '../model/survey.js';
import type { Statement } from '../redis/sentinel-conf.js';
import type { ConfigText } from './config-text.js';
import type { StartText } from './starts/problem.js';
import type { Target } from './target.js';

/** Which node a value belongs to: names only, nothing that had to be seen. */
export interface NodeAt {
  readonly kind: NodeKind;
  readonly id: string;
  readonly host: string;
  /** As declared, or as its own file says; '' when no file says it. */
  readonly address: string;
  readonly port: number;
  /** Path of its config file, as shown. */
  readonly main: string;
}

/** What the files and the command line of a node say about one directive. */
export interface Setting {
  readonly node: NodeAt;
  readonly name: string;
  /** The line that counts; undefined when no line names the directive. */
  readonly line: ConfigLine | undefined;
  /** The words after the directive on that line; none when there is no line. */
  readonly words: readonly string[];
}

/** Every line for a directive whose lines add up (`save`, `user`, `rename-command`), in order. */
export interface Lines {
  readonly node: NodeAt;
  readonly name: string;
  readonly lines: readonly ConfigLine[];
}

/** An include that stops the server: its file is not on the host, or it leads back to a file that includes it. */
export interface BadInclude {
  readonly node: NodeAt;
  readonly line: ConfigLine;
  readonly why: 'absent' | 'loop';
}

/** What is known of a password without knowing it. */
export interface SecretFacts {
  /** Fewer than 16 characters. */
  readonly short: boolean;
  readonly digitsOnly: boolean;
  /** In the list of passwords that everybody tries first. */
  readonly common: boolean;
  /** A template's stand-in: `<password>`, `$VAR`, `changeme`. */
  readonly placeholder: boolean;
  /** Begins with `#` or `<`, or ends with a blank: often an accident of quoting. */
  readonly oddEnds: boolean;
  /** What a person would take it for: the comment behind a value, or a template's variable; `hash` is the form of an ACL password hash. */
  readonly looks: 'comment' | 'placeholder' | 'hash' | 'password';
}

/** A node's password: `hash` undefined = none is set. */
export interface Password extends Setting {
  readonly hash: string | undefined;
}

/** A password with what is known of it. */
export interface KnownPassword extends Password {
  readonly facts: SecretFacts | undefined;
}

/** What the audit can see of any node. Every member but the name is a reading. */
export interface AnyNode {
  readonly at: NodeAt;
  /** The version that will read its files. */
  readonly target: Target;
  /** Main file first, then its includes in the order in which they are read. One array per node, always the same. */
  readonly texts: Seen<readonly ConfigText[]>;
  /**
   * The texts and the command line as `startProblems` takes them. A secret that was noticed to be a comment or a
   * placeholder stands there as one. The same value each time.
   */
  readonly startText: Seen<StartText>;
  /** As `startText`, not seen where an include was not read. */
  readonly wholeStartText: Seen<StartText>;
  /** Not seen where an include was neither read nor known to be missing, unless another one is bad. */
  readonly badIncludes: Seen<readonly BadInclude[]>;
  readonly configStat: Seen<FileStat>;
  /** Of the directory of its config file, in which CONFIG REWRITE makes the new one. */
  readonly configDirStat: Seen<FileStat>;
  /** The directive as the files and the command line set it; not seen where an unread include may decide. */
  setting(name: string): Seen<Setting>;
  /** As `setting`, for directives whose lines add up. */
  linesOf(name: string): Seen<Lines>;
  password(name: 'requirepass' | 'masterauth' | 'sentinel-pass'): Seen<Password>;
  /** As `password`, seen only where the text itself was read (a saved survey holds no passwords). */
  passwordFacts(name: 'requirepass' | 'masterauth' | 'sentinel-pass'): Seen<KnownPassword>;
  /** The server's answer to a command that the look asks, as text. */
  answer(command: string): Seen<string>;
  /** The fields of its INFO. */
  readonly info: Seen<ReadonlyMap<string, string>>;
  /** Seen with null when it is known that none runs. */
  readonly process: Seen<RawProcess | null>;
  /** Absent: a plain process that no service manager starts. */
  readonly unit: Seen<RawUnit>;
}

export interface RedisNode extends AnyNode {
  /** What the files will give at the next start, with the defaults of the target. */
  readonly gives: Seen<WillGive>;
  readonly running: Seen<RunningRedis>;
  /** CONFIG GET of one directive; the look asks a closed list (src/hosts/look-redis.ts). */
  live(name: string): Seen<string>;
  readonly rdb: Seen<RdbSummary>;
  readonly aof: Seen<AofSummary>;
}

/** One `sentinel …` line of a sentinel.conf. */
export interface SentinelLine extends Statement {
  readonly line: ConfigLine;
}

/** What a sentinel.conf says, generated lines included. */
export interface SentinelConf {
  readonly node: NodeAt;
  readonly target: Target;
  readonly statements: readonly SentinelLine[];
}

export interface SentinelNode extends AnyNode {
  readonly conf: Seen<SentinelConf>;
  readonly running: SentinelSurvey['running'];
  /** What the running sentinel says of a group. */
  view(group: string): Seen<SentinelView>;
}

export interface HostView {
  readonly host: string;
  readonly address: string;
  /** The version of its first node. */
  readonly target: Target;
  readonly reached: Seen<true>;
  readonly processes: Seen<readonly RawProcess[]>;
  readonly system: Seen<RawSystem>;
  readonly diskFreeBytes: Seen<number>;
  readonly clockOffsetMs: Seen<number>;
  readonly redis: readonly RedisNode[];
  readonly sentinels: readonly SentinelNode[];
}

/** One monitored name: its redis nodes, and the sentinels that monitor it or may (their file was not seen). */
export interface GroupView {
  /** '' for nodes that no sentinel of the fleet monitors. */
  readonly name: string;
  readonly target: Target;
  /** fleet.yaml says which nodes there are. Otherwise they were made out in files, and there may be others. */
  readonly declared: boolean;
  /** The hosts of its nodes. */
  readonly hosts: readonly HostView[];
  readonly redis: readonly RedisNode[];
  readonly sentinels: readonly SentinelNode[];
}

export interface FleetView {
  readonly fleet: string;
  readonly from: 'live' | 'survey' | 'files';
  /** ISO 8601 UTC */
  readonly at: string;
  readonly targetAssumed: boolean;
  /** The path of a node's file as the operator gave it. */
  shownAs(node: string, file: string): string;
  readonly hosts: readonly HostView[];
  readonly groups: readonly GroupView[];
}
