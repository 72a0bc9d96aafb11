import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPolicy } from '../../src/audit/policy.js';
import type { AuditRule } from '../../src/audit/rule.js';
import { allRules } from '../../src/audit/rules/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { readPaths } from '../../src/audit/source/read-paths.js';
import { parseTarget } from '../../src/audit/target.js';
import { loadInventory } from '../../src/inventory/load.js';
import type { AuditReport } from '../../src/model/audit.js';

const at = '2026-11-21T00:00:00.000Z';

/** The audit of a path by some rules, as the command makes it; a fleet.yaml in it is given with --fleet. */
export async function auditOf(
  path: string,
  rules: readonly AuditRule[] = allRules,
  target?: string,
): Promise<readonly AuditReport[]> {
  const files = await readPaths([path], async () => new Uint8Array());
  const fleet = join(path, 'fleet.yaml');
  const declared = existsSync(fleet) ? await loadInventory(fleet) : undefined;
  const judging = { rules, policy: defaultPolicy, today: at.slice(0, 10) };
  return auditFiles(files, declared, target === undefined ? undefined : parseTarget(target), at, judging);
}
