import type { Profile, RuleClass, Scope, ServerSays, Severity } from '../model/audit.js';
import type { ConfigLine } from '../model/formats.js';
import type { NotSeen } from '../model/seen.js';
import { isNeed, type Needs, needed, type Ready } from './need.js';
import type { Target, VersionRange } from './target.js';
import type { FleetView, GroupView, HostView, NodeAt, RedisNode, SentinelNode } from './view.js';

/** What a rule of a scope is asked about. */
export interface Subjects {
  readonly node: RedisNode | SentinelNode;
  readonly redis: RedisNode;
  readonly sentinel: SentinelNode;
  readonly host: HostView;
  readonly 'cross-node': GroupView;
  readonly topology: GroupView;
}

/** A place in a file of a node: the line, or the file as a whole when no line says it. */
export interface Spot {
  readonly node: NodeAt;
  readonly line: ConfigLine | undefined;
}

/** A change of one line; `now` undefined removes it, a spot without line adds it. Never holds a secret. */
export interface LineChange extends Spot {
  readonly now: string | undefined;
}

/** One thing that is wrong. */
export interface Problem {
  /** One sentence that says what is and what follows, for an operator; no secret, no line number, no end stop. */
  readonly message: string;
  /** Where it is. Left out: the subject itself (for a group, the group). */
  readonly at?: Spot;
  /** Other lines that belong to it, host by host. */
  readonly beside?: readonly Spot[];
  /** Where it is worse or milder than the rule says. */
  readonly severity?: Severity;
  readonly changes?: readonly LineChange[];
  /** What the server itself would say, and whether it is this that it stops at (it reports one mistake at a time). */
  readonly server?: ServerSays;
}

/** What a rule may know of its subject without asking: its name and the version that will read its files. */
export interface About {
  readonly name: string;
  readonly target: Target;
  /** Profile of the policy, for limits that depend on it. */
  readonly profile: Profile;
}

/** What is fixed about a rule: its page. */
export interface RuleFacts {
  /** kebab-case; never changes and is never given to another rule. */
  readonly id: string;
  readonly class: RuleClass;
  /** In profile production. */
  readonly severity: Severity;
  readonly scope: Scope;
  /** Versions to which it applies; left out = all. */
  readonly versions?: VersionRange;
  /** Severity in other profiles where it is not what the profile gives by itself (see policy.ts). */
  readonly profiles?: Partial<Record<Profile, Severity | 'off'>>;
  readonly title: string;
  /** Why it matters: what Redis does then. */
  readonly rationale: string;
  /** Where that is known from: a source file and function, a document, "seen on 7.0.15". */
  readonly source: string;
  /** What to do. */
  readonly fix: string;
  /** The built-in runbook that does it. */
  readonly runbook?: string;
  readonly fixtures: Fixtures;
}

/** Data in the test tree that the audit reads as it reads PATHs: a directory of config files, or a saved survey. */
export interface Fixtures {
  readonly fails: string;
  /** As close to failing as can be, and the rule passes. */
  readonly nearMiss: string;
  /** The version to read both as, where it decides. */
  readonly target?: string;
}

/** A rule as one file writes it. `check` sees what `needs` declared and what was there, and nothing else. */
export interface RuleWritten<S extends Scope, N extends Needs> extends RuleFacts {
  readonly scope: S;
  needs(subject: Subjects[S]): N;
  check(ready: Ready<N>, about: About): readonly Problem[];
}

/** What a rule answers about one subject. There is no fifth answer. */
export type Outcome =
  | { readonly outcome: 'pass' }
  | { readonly outcome: 'fail'; readonly problems: readonly Problem[]; readonly missing: readonly NotSeen[] }
  | { readonly outcome: 'not-applicable'; readonly reason: string }
  | { readonly outcome: 'not-checked'; readonly missing: readonly NotSeen[] };

/** A rule whose types are closed: it can be asked about a whole fleet. */
export interface AuditRule extends RuleFacts {
  /** One answer per subject of its scope. */
  ask(fleet: FleetView, profile: Profile): readonly Answered[];
}

export interface Answered {
  readonly subject: SubjectName;
  readonly outcome: Outcome;
}

/** The names of a subject, for findings. */
export interface SubjectName {
  readonly name: string;
  readonly group?: string;
  readonly host?: string;
  readonly node?: NodeAt;
  readonly target: Target;
}

/** Closes the types of a rule. The only way to make an AuditRule. */
export function defineRule<S extends Scope, const N extends Needs>(rule: RuleWritten<S, N>): AuditRule {
  const { needs: _needs, check: _check, ...facts } = rule;
  return {
    ...facts,
    ask: (fleet, profile) =>
      subjectsOf(fleet, rule.scope).map(([subject, name]) => ({
        subject: name,
        outcome: answer(rule, subject, { name: name.name, target: name.target, profile }),
      })),
  };
}

/** Whatever a rule does with hostile values, it answers: one that throws has not checked. */
function answer<S extends Scope, N extends Needs>(
  rule: RuleWritten<S, N>,
  subject: Subjects[S],
  about: About,
): Outcome {
  try {
    return resolve(rule, rule.needs(subject), about);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const from = { host: about.name, source: `rule ${rule.id}` };
    return { outcome: 'not-checked', missing: [{ ok: false, why: 'unparseable', detail, from, at: '' }] };
  }
}

function resolve<S extends Scope, N extends Needs>(rule: RuleWritten<S, N>, needs: N, about: About): Outcome {
  const resolved = Object.entries(needs).map(
    ([name, value]) => [name, (isNeed(value) ? value : needed(value)).need] as const,
  );
  if (resolved.length === 0) throw new Error('it asks for nothing, so it can tell nothing');
  for (const [, need] of resolved) if (need.outcome === 'not-applicable') return need;
  const missing = resolved.flatMap(([, need]) => (need.outcome === 'not-applicable' ? [] : need.missing));
  if (resolved.some(([, need]) => need.outcome === 'not-checked')) return { outcome: 'not-checked', missing };
  const values = resolved.map(([name, need]) => [name, need.outcome === 'ready' ? need.value : undefined] as const);
  const problems = rule.check(Object.fromEntries(values) as Ready<N>, about);
  if (problems.length > 0) return { outcome: 'fail', problems, missing };
  return missing.length > 0 ? { outcome: 'not-checked', missing } : { outcome: 'pass' };
}

type Named<S extends Scope> = readonly [Subjects[S], SubjectName];

/** The one cast: the switch gives for each scope what `Subjects` says of it. */
function subjectsOf<S extends Scope>(fleet: FleetView, scope: S): readonly Named<S>[] {
  return namedSubjects(fleet, scope) as readonly Named<S>[];
}

function namedSubjects(fleet: FleetView, scope: Scope): readonly Named<Scope>[] {
  switch (scope) {
    case 'node':
      return fleet.hosts.flatMap((host) => [...host.redis, ...host.sentinels].map(nodeNamed));
    case 'redis':
      return fleet.hosts.flatMap((host) => host.redis.map(nodeNamed));
    case 'sentinel':
      return fleet.hosts.flatMap((host) => host.sentinels.map(nodeNamed));
    case 'host':
      return fleet.hosts.map((host) => [host, { name: host.host, host: host.host, target: host.target }] as const);
    case 'cross-node':
    case 'topology':
      return fleet.groups.map(
        (group) => [group, { name: group.name, group: group.name, target: group.target }] as const,
      );
  }
}

function nodeNamed<T extends RedisNode | SentinelNode>(node: T): readonly [T, SubjectName] {
  return [node, { name: node.at.id, host: node.at.host, node: node.at, target: node.target }];
}
