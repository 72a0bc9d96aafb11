import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/audit/policy.js';
import { allRules } from '../../src/audit/rules/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { startProblems } from '../../src/audit/starts/start-problems.js';
import { parseTarget } from '../../src/audit/target.js';
import type { AuditFinding } from '../../src/model/audit.js';
import { auditJson } from '../../src/report/audit-json.js';
import { renderAudit } from '../../src/report/audit-text.js';
import { notInFiles } from './not-in-files.js';
import { seedFiles } from './seed-files.js';

function audited(texts: Readonly<Record<string, string>>, version = 'redis-7.0') {
  const files = Object.entries(texts).map(([path, text]) => ({ path, named: true, content: { text } }));
  const judging = { rules: allRules, policy: defaultPolicy, today: '2026-11-21' };
  const reports = auditFiles(files, undefined, parseTarget(version), '', judging);
  const own = <T extends { readonly class: string }>(all: readonly T[]) =>
    all.filter((one) => one.class === 'will-not-start');
  return {
    reports,
    findings: own(reports.flatMap(({ findings }) => findings)),
    notChecked: own(reports.flatMap(({ notChecked }) => notChecked)),
  };
}

const named = ({ line, rule }: AuditFinding) => `${line} ${rule}`;

function fixture(path: string): string {
  return readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
}

describe('the audit of a config of the articles', () => {
  it.each(seedFiles().map((seed) => [seed.name, seed] as const))('%s', (_name, { text, kind, expected }) => {
    const { findings } = audited({ [`host/${kind}.conf`]: text });
    expect(findings.map(named).sort()).toEqual([...expected].sort());
    const stops = findings.filter(({ server }) => server?.stopsHere);
    expect(stops.map(named)).toEqual(expected.slice(0, 1));
  });
});

describe('no finding on a file that its own version starts', () => {
  it.each(['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1'])('packaged with %s', (version) => {
    for (const kind of ['redis', 'sentinel']) {
      const { findings, notChecked } = audited(
        { [`host/${kind}.conf`]: fixture(`packaged/${version}/${kind}.conf`) },
        version,
      );
      expect(findings).toEqual([]);
      expect(notChecked.filter(({ rule }) => !notInFiles.has(rule))).toEqual([]);
    }
  });

  it('what CONFIG REWRITE and a failover left', () => {
    expect(audited({ 'r1/redis.conf': fixture('redis-conf/redis-7.0.15-rewritten.conf') }).findings).toEqual([]);
    const left = fixture('redis-conf/sentinel-7.0.15-after-failover.conf');
    expect(audited({ 's1/sentinel.conf': left }).findings).toEqual([]);
  });
});

describe('every bad line', () => {
  it('is found, one of them as the one at which the server stops, with what it would say and a legal form', () => {
    const { findings } = audited({
      'r1/redis.conf': 'bind 10.0.0.1\nappendonly true\nmaxmemory 2 gb\nport 6379 // 6380\nport 70000\n',
    });
    expect(
      findings.map(({ line, column, rule, server, fix }) => [
        `${line}:${column}`,
        rule,
        server?.stopsHere,
        fix.edits[0]?.now,
      ]),
    ).toEqual([
      ['4:11', 'inline-comment', false, 'port 6379'],
      ['2:12', 'invalid-value', true, 'appendonly yes'],
      ['5:6', 'invalid-value', false, 'port 65535'],
      ['3:13', 'wrong-argument-count', false, 'maxmemory 2gb'],
    ]);
    expect(findings[1]?.message).toContain("the server says \"argument must be 'yes' or 'no'\"");
  });

  it('of a file that two places include is told once', () => {
    const { findings } = audited({
      'r1/redis.conf': 'bind 10.0.0.1\ninclude more.conf\nsave 900 1\ninclude more.conf\n',
      'r1/more.conf': 'maxmemory 2 gb\n',
    });
    expect(findings.map(({ file, line }) => `${file}:${line}`)).toEqual(['r1/more.conf:1']);
  });

  it('is found behind an include by pattern, which only 7.0 and later follow', () => {
    const texts = { 'r1/redis.conf': 'bind 10.0.0.1\ninclude conf.d/*.conf\n', 'r1/conf.d/a.conf': 'save 900\n' };
    expect(audited(texts).findings.map(({ file }) => file)).toEqual(['r1/conf.d/a.conf']);
    expect(audited(texts, 'redis-6.0').findings).toEqual([]);
  });

  it('of the command line counts, and what it says stands over the file', () => {
    const target = parseTarget('redis-7.0');
    if (target === undefined) throw new Error('no target');
    const judged = (file: string, options: string) =>
      startProblems([{ file: 'a', text: file }], 'redis', target, { file: '(command line)', text: options }).map(
        ({ file: at, rule }) => `${at} ${rule}`,
      );
    expect(judged('port 0\n', 'port 6379')).toEqual([]);
    expect(judged('port 6379\n', 'port 0')).toEqual(['(command line) listen-nowhere']);
    expect(judged('port 6379\n', 'maxmemory 2 gb')).toEqual(['(command line) wrong-argument-count']);
  });
});

describe('a file that was not given', () => {
  const text = 'bind 10.0.0.1\nport 0\nmaxmemory 2 gb\ninclude /etc/redis/more.conf\n';

  it('may hold the line that is missing: what depends on it is not checked, the rest is', () => {
    const { findings, notChecked } = audited({ 'r1/redis.conf': text });
    expect(findings.map(named)).toEqual(['3 wrong-argument-count']);
    const rules = notChecked.map(({ rule }) => rule);
    expect(rules).toContain('listen-nowhere');
    expect(rules).toContain('unknown-directive');
    expect(notChecked[0]?.missing[0]?.detail).toContain('/etc/redis/more.conf');
  });

  it('and that holds it makes the finding', () => {
    const { findings } = audited({ 'r1/redis.conf': text, 'r1/more.conf': 'timeout 0\n' });
    expect(findings.map(named).sort()).toEqual(['2 listen-nowhere', '3 wrong-argument-count']);
  });
});

describe('a secret', () => {
  const lines = [
    'requirepass hunter2 x',
    'requirepass hunter2 # the master',
    'requirepas hunter2',
    'masterauht "hunter2',
    'requirepass\u00a0hunter2',
    '\ufeffmasterauth hunter2 x',
    'user bob on >hunter2 +@nosuch',
    'user bob on hunter2 +@nosuch',
    'user bob on #hunter2 +@all',
    'user bob on <hunter2',
    'hunter1 hunter2',
    'sentinel auth-pass nosuch hunter2',
    'sentinel auth-pas mymaster hunter2',
    'sentinel atuh-pass mymaster hunter2',
    'sentinel sentinel-pass hunter2 x',
    'sentinel nothing-like-it hunter2',
    'tls-key-file-pass a hunter2',
    'primaryauth hunter2',
  ];

  it.each(lines)('is shown nowhere: %s', (line) => {
    for (const [kind, first] of [
      ['redis', 'bind 10.0.0.1'],
      ['sentinel', 'sentinel monitor mymaster 10.0.0.1 6379 2'],
    ] as const) {
      const { findings, reports } = audited({ [`host/${kind}.conf`]: `${first}\n${line}\n` });
      expect(findings.length).toBeGreaterThan(0);
      const shown = [
        auditJson(reports),
        ...reports.map((report) => renderAudit(report, { width: 100, colour: false, verbose: true })),
      ].join('\n');
      expect(shown).not.toContain('hunter2');
      expect(shown).not.toMatch(/\{secret:/);
    }
  });

  it('does not tell its length by the column of what stands behind it', () => {
    const columns = ['a', 'aaaaaaaaaaaaaaaa'].map(
      (password) => audited({ 'r1/redis.conf': `bind 10.0.0.1\nrequirepass ${password} # x\n` }).findings[0]?.column,
    );
    expect(columns).toEqual([13, 13]);
  });
});
