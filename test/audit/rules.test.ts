import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { rulesReadme } from '../../src/audit/pages.js';
import { allRules } from '../../src/audit/rules/index.js';
import { ruleClasses } from '../../src/model/audit.js';
import { auditOf } from './audit-of.js';

describe('every rule', () => {
  it.each(allRules.map((rule) => [rule.id, rule] as const))(
    '%s: its fixture fails, its near miss passes',
    async (id, rule) => {
      const { fails, nearMiss, target } = rule.fixtures;
      const failing = await auditOf(fails, [rule], target);
      const failed = failing.flatMap(({ findings }) => findings);
      expect(failed.map((finding) => finding.rule)).toContain(id);
      for (const finding of failed) {
        expect(finding.message).not.toMatch(/[.!]$|\bslave\b/);
        expect(finding.file === undefined ? finding.host !== undefined || finding.group !== undefined : true).toBe(
          true,
        );
      }
      const near = await auditOf(nearMiss, [rule], target);
      expect(near.flatMap(({ findings }) => findings)).toEqual([]);
      expect(
        near.reduce((total, { passed }) => total + passed, 0),
        'the near miss must pass, not be unchecked',
      ).toBeGreaterThan(0);
    },
  );

  it('has an id of its own in kebab case, and stands in the folder of its class', async () => {
    const ids = allRules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const rule of allRules) expect(rule.id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)+$/);
    const folders = await Promise.all(
      ruleClasses.map(async (name) => {
        const index: Record<string, unknown> = await import(`../../src/audit/rules/${name}/index.ts`);
        return Object.values(index).flatMap((rules) =>
          Array.isArray(rules) ? rules.map((rule) => [rule.class, name]) : [],
        );
      }),
    );
    for (const [own, folder] of folders.flat()) expect(own).toBe(folder);
    expect(folders.flat()).toHaveLength(allRules.length);
  });

  it('throws over nothing that fixtures and packaged files hold', async () => {
    const others = ['test/audit/seeds', 'test/fixtures/packaged', 'test/fixtures/redis-conf'];
    const paths = [...allRules.flatMap(({ fixtures }) => [fixtures.fails, fixtures.nearMiss]), ...others];
    const reports = (await Promise.all(paths.map((path) => auditOf(path)))).flat();
    const thrown = reports
      .flatMap(({ notChecked }) => notChecked)
      .flatMap(({ missing }) => missing)
      .filter(({ from }) => from.source.startsWith('rule '));
    expect(reports.length).toBeGreaterThan(allRules.length);
    expect(thrown.map(({ from, detail }) => `${from.source}: ${detail}`)).toEqual([]);
  });

  it('has its page in the generated list', async () => {
    const readme = await readFile('src/audit/README.md', 'utf8');
    expect(readme, 'node test/audit/write-pages.mjs after npx tsc -p tsconfig.json').toBe(rulesReadme(allRules));
  });
});
