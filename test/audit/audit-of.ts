import { defaultPolicy } from '../../src/audit/policy.js';
import type { AuditRule } from '../../src/audit/rule.js';
import { allRules } from '../../src/audit/rules/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { readPaths } from '../../src/audit/source/read-paths.js';
import { parseTarget } from '../../src/audit/target.js';
import type { AuditReport } from '../../src/model/audit.js';

const at = '2026-11-21T00:00:00.000Z';

/** The audit of a path by some rules, as the command makes it. */
export async function auditOf(
  path: string,
  rules: readonly AuditRule[] = allRules,
  target?: string,
): Promise<readonly AuditReport[]> {
  const files = await readPaths([path], async () => new Uint8Array());
  const judging = { rules, policy: defaultPolicy, today: at.slice(0, 10) };
  return auditFiles(files, undefined, target === undefined ? undefined : parseTarget(target), at, judging);
}
