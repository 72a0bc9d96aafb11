import type { AuditFinding } from '../model/audit.js';

/** What tells one finding from another from one audit to the next: cause, place and words, no line number, no secret. */
export type FindingKey = Pick<AuditFinding, 'rule' | 'message'> & {
  readonly host?: string | null;
  readonly node?: string | null;
  readonly file?: string | null;
};

/** The findings of an earlier audit, counted: each of them hides one finding of today and no more. */
export type Baseline = ReadonlyMap<string, number>;

/** A baseline of these findings. */
export function baselineOf(findings: readonly FindingKey[]): Baseline {
  const counts = new Map<string, number>();
  for (const finding of findings) counts.set(keyOf(finding), (counts.get(keyOf(finding)) ?? 0) + 1);
  return counts;
}

/** The findings that the baseline does not hold, in their order. */
export function newFindings(findings: readonly AuditFinding[], baseline: Baseline): AuditFinding[] {
  const left = new Map(baseline);
  return findings.filter((finding) => {
    const key = keyOf(finding);
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    return count === 0;
  });
}

function keyOf({ rule, host, node, file, message }: FindingKey): string {
  return JSON.stringify([rule, host ?? null, node ?? null, file ?? null, message]);
}
