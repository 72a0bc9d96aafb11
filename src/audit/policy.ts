import type { Profile, Severity, Waiver } from '../model/audit.js';

/** What the operator decided about the rules: redis-runbook-policy.yaml and the flags over it. */
export interface Policy {
  readonly profile: Profile;
  /** By rule id. */
  readonly severity: ReadonlyMap<string, Severity | 'off'>;
  readonly waivers: readonly Waiver[];
}

/** What counts when there is no policy file. */
export const defaultPolicy: Policy = { profile: 'production', severity: new Map(), waivers: [] };

/** What a waiver is compared with. */
interface Waivable {
  readonly rule: string;
  readonly host?: string;
  readonly port?: number;
}

/** Whether a waiver is about a finding: what it does not name counts for all. */
export function covers(waiver: Waiver, finding: Waivable): boolean {
  if (waiver.rule !== finding.rule) return false;
  if (waiver.host !== undefined && waiver.host !== finding.host) return false;
  return waiver.port === undefined || waiver.port === finding.port;
}

/** Whether its last day is over. `today` as `2026-11-21`. */
export function isExpired(waiver: Waiver, today: string): boolean {
  return waiver.until !== undefined && waiver.until < today;
}
