import type { AuditReport } from '../model/audit.js';
import type { Inventory, Passwords } from '../model/inventory.js';
import { fromJson } from '../model/json.js';
import type { RawHost } from '../model/raw-host.js';
import { readSavedSurvey } from '../survey/saved-schema.js';
import { type Judging, judge } from './judge.js';
import { adopt } from './source/adopt.js';
import { type FilesRead, fleetsOf } from './source/fleets.js';
import type { GivenFile } from './source/given.js';
import { secretFacts } from './source/secret-facts.js';
import { type Target, targetOf } from './target.js';
import type { FleetView } from './view.js';
import type { FleetFacts } from './view-node.js';
import { viewOf } from './view-of.js';

/** What files are read as when nothing says a version. */
const assumed: Target = targetOf('redis', { major: 7, minor: 0, patch: 15 });

export interface SeenFleet {
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
  readonly passwords: Passwords;
}

/** The audit of a fleet that was looked at, now (`live`) or when a survey was saved. */
export function auditSeen(
  seen: SeenFleet,
  from: 'live' | 'survey',
  target: Target | undefined,
  judging: Judging,
): AuditReport {
  return judge(seenView(seen, from, target), judging);
}

/** The view that such an audit judges. */
export function seenView(seen: SeenFleet, from: 'live' | 'survey', target: Target | undefined): FleetView {
  const secrets = new Map([...seen.passwords.values()].map((secret) => [secret.hash, secret.reveal(secretFacts)]));
  return viewOf(seen.inventory, seen.raws, { ...facts(target), from, secrets });
}

/**
 * The audits of everything that was given, one per fleet that is made out in it; `declared` (fleet.yaml) says instead
 * which file belongs to whom. Files that could not be read count as hosts that could not be looked at.
 */
export function auditFiles(
  files: readonly GivenFile[],
  declared: Inventory | undefined,
  target: Target | undefined,
  at: string,
  judging: Judging,
): readonly AuditReport[] {
  const read = fleetsOf(files, at);
  const all = viewsOf(read, declared, target, at).map((view) =>
    'mistake' in view
      ? { ...nothing(judging, ''), hosts: [view.path], unreached: [view.path], notes: [view.mistake] }
      : judge(view, judging),
  );
  const unread = read.unread.map(({ path, content }) => `${path}: ${'detail' in content ? content.detail : ''}`);
  const ignored = read.ignored.length === 0 ? [] : [`${read.ignored.length} files are no Redis configuration`];
  const [first, ...others] = all.length > 0 ? all : [nothing(judging, at)];
  if (first === undefined) return [];
  const paths = read.unread.map(({ path }) => path);
  return [
    {
      ...first,
      hosts: [...first.hosts, ...paths],
      unreached: [...first.unreached, ...paths],
      notChecked: [...first.notChecked, ...read.unread.map((file) => unreadCheck(file, at))],
      notes: [...first.notes, ...unread, ...ignored],
    },
    ...others,
  ];
}

/** The views that `auditFiles` judges, in the order of its reports; undefined for a saved survey that is none. */
export function filesViews(
  files: readonly GivenFile[],
  declared: Inventory | undefined,
  target: Target | undefined,
  at: string,
): readonly (FleetView | undefined)[] {
  return viewsOf(fleetsOf(files, at), declared, target, at).map((view) => ('mistake' in view ? undefined : view));
}

interface NoSurvey {
  readonly path: string;
  readonly mistake: string;
}

function viewsOf(
  read: FilesRead,
  declared: Inventory | undefined,
  target: Target | undefined,
  at: string,
): readonly (FleetView | NoSurvey)[] {
  const fleets = declared === undefined ? read.fleets : adopt(declared, read.fleets, at);
  const views = fleets.map(({ inventory, raws, shown }) =>
    viewOf(inventory, raws, { ...facts(target), secrets: read.secrets, shown }),
  );
  const surveys = [...read.surveys].map(([path, text]): FleetView | NoSurvey => {
    const saved = readSavedSurvey(parsed(text));
    if ('mistake' in saved) return { path, mistake: `${path} ${saved.mistake}` };
    return seenView({ inventory: saved.inventory, raws: saved.hosts, passwords: new Map() }, 'survey', target);
  });
  return [...views, ...surveys];
}

function unreadCheck({ path, content }: GivenFile, at: string): AuditReport['notChecked'][number] {
  const why = 'why' in content ? content : { why: 'refused' as const, detail: '' };
  const missing = { ok: false as const, why: why.why, detail: why.detail, from: { host: path, source: path }, at };
  return { rule: 'every rule', class: 'will-not-start', host: path, missing: [missing] };
}

function parsed(text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    return undefined;
  }
}

function facts(target: Target | undefined): FleetFacts {
  return {
    from: 'files',
    target: target ?? assumed,
    forced: target !== undefined,
    secrets: new Map(),
    shown: new Map(),
  };
}

function nothing(judging: Judging, at: string): AuditReport {
  return {
    fleet: 'files',
    from: 'files',
    at,
    groups: [],
    targets: [],
    targetAssumed: false,
    profile: judging.policy.profile,
    hosts: [],
    unreached: [],
    findings: [],
    notChecked: [],
    passed: 0,
    notApplicable: 0,
    inBaseline: 0,
    notes: [],
  };
}
