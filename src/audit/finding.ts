import type { AuditFinding, Edit, Excerpt, Severity } from '../model/audit.js';
import { spansOfWords } from '../redis/secret-spans.js';
import { hashOfWord, showRaw } from '../redis/secrets.js';
import { scanWords } from '../redis/tokenise.js';
import type { AuditRule, LineChange, Problem, Spot, SubjectName } from './rule.js';

/** Longer lines are cut in excerpts; the file has the whole. */
const shownLength = 400;

/** A problem as a finding: its places, its lines with secrets as letters, its changes. */
export function findingOf(
  rule: AuditRule,
  subject: SubjectName,
  problem: Problem,
  severity: Severity,
  shownAs: ShownAs,
): AuditFinding {
  const at: Spot | undefined =
    problem.at ?? (subject.node === undefined ? undefined : { node: subject.node, line: undefined });
  const letters = new Map<string, string>();
  const line = at?.line;
  const fileLine = line === undefined || line.file.startsWith('(') ? undefined : line.line;
  const host = at?.node.host ?? subject.host;
  return {
    rule: rule.id,
    class: rule.class,
    severity,
    title: rule.title,
    ...(subject.group === undefined ? {} : { group: subject.group }),
    ...(host === undefined ? {} : { host }),
    ...(at === undefined
      ? {}
      : { node: at.node.id, port: at.node.port, file: shownAs(at.node.id, line?.file ?? at.node.main) }),
    ...(fileLine === undefined ? {} : { line: fileLine }),
    ...(fileLine === undefined ? {} : { column: line?.column ?? 1 }),
    message: problem.message,
    ...(problem.server === undefined ? {} : { server: problem.server }),
    excerpt: excerptSpots(at, problem).map((spot) => excerptOf(spot, letters, shownAs)),
    fix: { says: rule.fix, edits: (problem.changes ?? []).map((change) => editOf(change, letters, shownAs)) },
    ...(rule.runbook === undefined ? {} : { runbook: rule.runbook }),
  };
}

function excerptSpots(at: Spot | undefined, problem: Problem): readonly Spot[] {
  const beside = problem.beside ?? [];
  return at === undefined || (at.line === undefined && beside.length === 0) ? beside : [at, ...beside];
}

type ShownAs = (node: string, file: string) => string;

function excerptOf({ node, line }: Spot, letters: Map<string, string>, shownAs: ShownAs): Excerpt {
  return {
    host: node.host,
    node: node.id,
    file: shownAs(node.id, line?.file ?? node.main),
    ...(line === undefined ? {} : { line: line.line, column: line.column }),
    text: line === undefined ? '' : lettered(line.raw, letters),
  };
}

function editOf({ node, line, now }: LineChange, letters: Map<string, string>, shownAs: ShownAs): Edit {
  return {
    host: node.host,
    file: shownAs(node.id, line?.file ?? node.main),
    ...(line === undefined ? {} : { line: line.line, old: lettered(line.raw, letters) }),
    ...(now === undefined ? {} : { now: lettered(now, letters) }),
  };
}

/** The line with its secrets as letters: equal letters inside one finding are equal passwords. */
function lettered(raw: string, letters: Map<string, string>): string {
  const [first] = spansOfWords(scanWords(raw) ?? []);
  if (first?.word === 'PASSWORD') return raw;
  const hash = first === undefined ? undefined : hashOfWord(first.word);
  if (hash !== undefined && !letters.has(hash)) letters.set(hash, String.fromCharCode(65 + (letters.size % 26)));
  const shown = showRaw(raw, hash === undefined ? '(secret)' : `(secret ${letters.get(hash) ?? ''})`).trim();
  const bare = shown.replace(/\{secret:[0-9a-f]{16}\}/g, '(secret)');
  return bare.length > shownLength ? `${bare.slice(0, shownLength)} ...` : bare;
}
