import { describe, expect, it } from 'vitest';
import { statusRow } from '../../src/backup/view.js';
import type {
  BackupListView,
  BackupStatusRow,
  BackupStatusView,
  BackupView,
  PruneView,
} from '../../src/model/backup-view.js';
import { backupListText } from '../../src/report/backup-list.js';
import { backupPruneText } from '../../src/report/backup-prune.js';
import { backupShowText, backupVerifyText } from '../../src/report/backup-show.js';
import { backupStatusText } from '../../src/report/backup-status.js';
import { manifestOf } from '../backup/builders.js';

const nowMs = Date.parse('2026-11-23T00:04:07Z');
const look = { width: 80, colour: false, utcOffsetMinutes: 540, nowMs, fleetFlag: '', all: false };

function one(id: string, takenAt: string, more: Partial<BackupView> = {}): BackupView {
  return {
    fleet: 'shop',
    group: 'stn-master',
    id,
    kind: 'rdb',
    state: 'good',
    takenAt,
    from: 'pv3',
    sizeBytes: 341_000_000n,
    keys: 1_208_870n,
    proof: 'drilled',
    kept: ['newest', 'last 1', 'daily 1'],
    troubles: [],
    ...more,
  };
}

const list = (...backups: BackupView[]): BackupListView => ({
  repository: '/var/backups/redis-runbook',
  groups: [{ fleet: 'shop', group: 'stn-master', backups, strange: [] }],
});

describe('backup list', () => {
  it('is the screen of the manual', () => {
    const text = backupListText(
      list(
        one('3F8A', '2026-11-22T18:14:07Z'),
        one('9C02', '2026-11-21T18:14:09Z', { keys: 1_206_003n, proof: 'hashes', kept: ['last 2', 'daily 2'] }),
        one('B0E4', '2026-11-20T17:35:20Z', { from: 'pv1', kind: 'aof', sizeBytes: 405_000_000n, pinned: '7K3Q' }),
        one('A11F', '2026-11-19T18:14:05Z', {
          from: 'pv1',
          state: 'incomplete',
          sizeBytes: undefined,
          keys: undefined,
          proof: 'none',
          kept: [],
        } as unknown as Partial<BackupView>),
      ),
      look,
    );
    expect(text).toBe(`3 good backups of 1 group, 1.1 GB, newest 5 h 50 min old. 1 incomplete.

shop / stn-master
  repository /var/backups/redis-runbook not encrypted, signed
  ID    TAKEN (+09)      FROM  KIND    SIZE       KEYS  CHECKED  KEPT AS
  3F8A  23 Nov 03:14:07  pv3   rdb   341 MB  1 208 870  drilled  last daily
  9C02  22 Nov 03:14:09  pv3   rdb   341 MB  1 206 003  hashes   last daily
  B0E4  21 Nov 02:35:20  pv1   aof   405 MB  1 208 870  drilled  pinned 7K3Q
x A11F  20 Nov 03:14:05  pv1   rdb        -          -  none     incomplete

A11F never finished: the next backup goes on with it, or prune removes it after
24 h.
`);
  });

  it('shows the newest and everything that is not good, and says how many more there are', () => {
    const many = Array.from({ length: 14 }, (_, index) =>
      one(`A${100 + index}`, new Date(nowMs - index * 86_400_000).toISOString()),
    );
    const text = backupListText(
      list(...many, one('BAD0', '2026-10-01T00:00:00Z', { state: 'bad', proof: 'bad' })),
      look,
    );
    expect(text).toContain('  ...   4 older, --all shows them');
    expect(text).toMatch(/\nx BAD0 /);
    expect(backupListText(list(...many), { ...look, all: true })).not.toContain('older, --all');
  });
});

const row = (more: Partial<BackupStatusRow>): BackupStatusRow => ({
  fleet: 'shop',
  group: 'jobs',
  state: 'ok',
  newest: { id: '9C02', takenAt: '2026-11-22T22:06:00Z' },
  ageMs: 7_080_000,
  limitMs: 86_400_000,
  neverFinished: false,
  good: 3,
  future: 0,
  bad: 0,
  unknown: 0,
  incomplete: 0,
  ...more,
});
const status = (...groups: BackupStatusRow[]): BackupStatusView => ({
  repository: '/b',
  at: new Date(nowMs).toISOString(),
  freeBytes: 1n,
  groups,
});

describe('backup status', () => {
  it('is the screen of the manual', () => {
    const failed = {
      schema: 'redis-runbook/backup-try/1',
      startedAt: '2026-11-22T18:14:00Z',
      endedAt: '2026-11-22T18:15:00Z',
      outcome: 'failed',
      why: 'disk full on pv3',
    } as const;
    const late = row({
      group: 'stn-master',
      state: 'late',
      newest: { id: '3F8A', takenAt: '2026-11-21T22:00:07Z' },
      ageMs: 93_840_000,
      lastTry: failed,
      drilledAt: '2026-11-21T23:00:00Z',
    });
    const text = backupStatusText(status(late, row({ lastTry: { ...failed, outcome: 'good' } })), look);
    expect(text).toBe(`stn-master misses its target: the newest good backup is 26 h 04 min old, the
limit is 24 h. The last try, 23 Nov 03:14:00, failed: disk full on pv3.

   GROUP       NEWEST GOOD              AGE  LIMIT  LAST TRY       DRILLED
x  stn-master  22 Nov 07:00:07  26 h 04 min   24 h  failed 23 Nov  25 h ago
ok jobs        23 Nov 07:06:00   1 h 58 min   24 h  good           never

Next:
  redis-runbook backup create stn-master
`);
  });

  it('does not take a backup from the future for a fresh one', () => {
    const ref = {
      ...{ fleet: 'shop', group: 'jobs' },
      name: 'x',
      id: 'FUT1',
      kind: 'rdb',
      begunAt: '2031-01-01T00:00:00Z',
      state: 'complete',
    } as const;
    const future = {
      ref,
      state: 'good',
      troubles: [],
      checks: [],
      ignoredChecks: 0,
      manifest: manifestOf(ref),
    } as const;
    const made = statusRow(ref, [future], undefined, false, 86_400_000, new Date(nowMs));
    expect(made).toMatchObject({ state: 'late', good: 0, future: 1 });
    expect(backupStatusText(status(made), look).replace(/\s+/g, ' ')).toContain(
      '1 backup of jobs is from the future and not counted: a clock is wrong.',
    );
  });

  it('does not let the clock of a node make a backup fresher than it is', () => {
    const begunAt = '2026-11-20T00:00:00Z';
    const ref = {
      fleet: 'shop',
      group: 'jobs',
      name: 'x',
      id: 'AHED',
      kind: 'rdb',
      begunAt,
      state: 'complete',
    } as const;
    const ahead = {
      ref,
      state: 'good',
      troubles: [],
      checks: [],
      ignoredChecks: 0,
      manifest: manifestOf(ref, { snapshotAt: '2026-11-22T23:59:00Z' }),
    } as const;
    expect(statusRow(ref, [ahead], undefined, false, 86_400_000, new Date(nowMs))).toMatchObject({
      state: 'late',
      newest: { takenAt: begunAt },
    });
  });
});

it('nothing that a repository or a host says moves the cursor, however hostile', () => {
  const evil = '\u001b[2J\u202epv1\r\n| `x`';
  const view = one('3F8A', '2026-11-22T18:14:07Z', {
    from: evil,
    fleet: evil,
    group: evil,
    pinned: evil,
    signer: { name: evil, fingerprint: 'AAAA' },
    state: 'unknown',
    troubles: [{ what: 'hash', text: evil }],
    kept: [evil],
  });
  const manifest = manifestOf(
    { id: '3F8A', fleet: evil, group: evil, kind: 'rdb', begunAt: '2026-11-22T18:14:07Z' },
    {
      chosenBecause: evil,
      pinned: evil,
      tags: [evil],
      modules: [{ name: evil, version: evil }],
      leftOut: [{ path: evil, why: evil }],
      source: {
        ...manifestOf({ id: 'x', fleet: '', group: '', kind: 'rdb', begunAt: '' }).source,
        node: evil,
        version: evil,
        replicationId: evil,
      },
      files: [{ path: evil, role: 'rdb', sizeBytes: 1n, sha256: evil, from: evil }],
    },
  );
  const check = {
    schema: 'redis-runbook/backup-check/1',
    id: '3F8A',
    manifestSha256: '',
    name: 'drill',
    at: evil,
    result: 'bad',
    details: [evil],
    durationMs: 1,
  } as const;
  const tried = { schema: 'redis-runbook/backup-try/1', startedAt: evil, outcome: 'failed', why: evil } as const;
  const prune: PruneView = {
    repository: evil,
    applied: false,
    trashMs: 1,
    groups: [
      {
        fleet: evil,
        group: evil,
        backups: [view],
        rows: [{ id: '3F8A', keep: true, reasons: [evil] }],
        refusals: [{ what: 'clock', text: evil }],
        removed: [],
        busy: [{ id: 'x', by: evil }],
      },
    ],
    emptied: [],
    swept: [],
  };
  const texts = [
    backupListText(
      {
        repository: evil,
        groups: [
          {
            fleet: evil,
            group: evil,
            backups: [view],
            strange: [evil],
            underWay: { user: evil, host: evil, since: evil },
          },
        ],
      },
      look,
    ),
    backupShowText({ repository: evil, view, manifest, checks: [check], ignoredChecks: 1 }, look),
    backupVerifyText([{ view, readBytes: 1n, durationMs: 1, troubles: view.troubles, kept: evil }], look),
    backupStatusText(status(row({ group: evil, state: 'late', lastTry: tried, bad: 1, unknown: 1 })), look),
    backupPruneText(prune, look),
  ];
  for (const text of texts) expect(text).not.toMatch(/[^\n\x20-\x7e]/);
  expect(texts[3]?.replaceAll('\n', ' ')).toContain('Prune never removes what is bad or signed by somebody unknown');
});
