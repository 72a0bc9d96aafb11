import { expect, test } from 'vitest';
import { renderAudit } from '../../src/report/audit-text.js';
import { auditOf } from '../audit/audit-of.js';

test.each([80, 100, 160])(
  'an audit in %i columns: no line is wider, no finding is left out, and a rule is one word',
  async (width) => {
    const [report] = await auditOf('test/audit/seeds/stn-master/printed', undefined, 'redis-2.8');
    if (report === undefined) throw new Error('no report');
    const text = renderAudit(report, { width, colour: false, verbose: false });
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
    for (const { rule } of report.findings) expect(text).toMatch(new RegExp(`(^|\\s)${rule}(\\s|$)`, 'm'));
  },
);
