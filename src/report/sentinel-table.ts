import { known } from '../model/seen.js';
import type { GroupSurvey, SentinelSurvey, Survey } from '../model/survey.js';
import { type Cell, type Column, type Row, table, wrap } from './layout.js';
import { nodeAt, shortName, whyNot } from './names.js';
import { count, grouped } from './quantities.js';

/**
 * The sentinels of a group: one line when every one of them runs, sees the same master at the same epoch with no flag
 * but `master`, and calls its quorum reachable; else a row for each. Empty for a group without sentinels.
 */
export function sentinelTable(
  survey: Survey,
  group: GroupSurvey,
  options: { width: number; colour: boolean },
): string[] {
  if (group.sentinels.length === 0) return [];
  const agreed = agreement(group);
  if (agreed !== undefined) return wrap(agreed, options.width, '  ', '  ');
  return table(
    columns,
    group.sentinels.map((sentinel) => sentinelRow(sentinel, survey, group)),
    options,
  );
}

const columns: readonly Column[] = [
  { title: 'HOST' },
  { title: 'SENTINEL' },
  { title: 'MASTER IS' },
  { title: 'EPOCH', align: 'right' },
  { title: 'PEERS ALIVE', drop: 2 },
  { title: 'QUORUM', align: 'right', drop: 1 },
];

function agreement(group: GroupSurvey): string | undefined {
  const views = group.sentinels.map((sentinel) => known(sentinel.view));
  const [first] = views;
  if (!first) return undefined;
  const same = views.every(
    (view) =>
      view !== undefined &&
      view.master === first.master &&
      view.configEpoch === first.configEpoch &&
      view.quorum === first.quorum &&
      view.flags.join() === 'master' &&
      known(view.ckquorum)?.ok === true,
  );
  if (!same) return undefined;
  const master = `master ${nodeAt(group, first.master)}, epoch ${first.configEpoch}, quorum ${first.quorum}`;
  return `${count(views.length, 'sentinel')}: ${master}, CKQUORUM ok on ${views.length === 1 ? 'it' : 'all'}`;
}

function sentinelRow(sentinel: SentinelSurvey, survey: Survey, group: GroupSurvey): Row {
  const view = known(sentinel.view);
  const file = known(sentinel.file);
  const master = view ? nodeAt(group, view.master) : file ? `${nodeAt(group, file.master)} (file)` : '-';
  const epoch = view?.configEpoch ?? file?.configEpoch;
  const quorum = view?.quorum ?? file?.quorum;
  const note = noteOf(sentinel, survey);
  const unknown = !runs(sentinel) && !sentinel.process.ok;
  return {
    ...(unknown ? { sign: '?', role: 'unknown' as const } : {}),
    cells: [
      shortName(sentinel),
      stateCell(sentinel),
      master,
      epoch === undefined ? '-' : grouped(epoch),
      peersText(sentinel),
      quorum === undefined ? '-' : String(quorum),
    ],
    ...(note === undefined ? {} : { note }),
  };
}

function runs(sentinel: SentinelSurvey): boolean {
  return known(sentinel.running) !== undefined || (sentinel.process.ok && sentinel.process.value !== null);
}

function stateCell(sentinel: SentinelSurvey): Cell {
  if (runs(sentinel))
    return sentinel.running.ok ? { text: 'running', role: 'good' } : { text: 'no answer', role: 'warn' };
  return sentinel.process.ok ? { text: 'stopped', role: 'danger' } : { text: 'unknown', role: 'unknown' };
}

/** Peers that this sentinel neither calls down nor is disconnected from, of all that it knows. */
function peersText(sentinel: SentinelSurvey): string {
  const view = known(sentinel.view);
  if (!view) return '-';
  const alive = view.peers.filter((peer) => !peer.flags.some((flag) => downFlags.has(flag)));
  return `${alive.length} of ${view.peers.length}`;
}

const downFlags: ReadonlySet<string> = new Set(['s_down', 'o_down', 'disconnected']);

function noteOf(sentinel: SentinelSurvey, survey: Survey): string | undefined {
  const host = survey.hosts.find((each) => each.host === sentinel.host);
  if (host && !host.reached.ok) return whyNot(host.reached);
  const view = known(sentinel.view);
  if (view) return viewNote(sentinel, view.flags, view.failoverState);
  if (!runs(sentinel)) return sentinel.process.ok ? undefined : whyNot(sentinel.process);
  return sentinel.view.ok ? undefined : whyNot(sentinel.view);
}

function viewNote(
  sentinel: SentinelSurvey,
  flags: readonly string[],
  failover: string | undefined,
): string | undefined {
  const said = [
    ...flags.filter((flag) => flag !== 'master').map((flag) => flagWords[flag] ?? flag),
    ...(failover && failover !== 'none' ? [`failover: ${failover}`] : []),
    ...(known(sentinel.running)?.tilt ? ['tilt: acts on nothing'] : []),
  ];
  return said.length === 0 ? undefined : said.join(', ');
}

const flagWords: Readonly<Record<string, string>> = {
  s_down: 'says down',
  o_down: 'quorum says down',
  disconnected: 'not connected',
  failover_in_progress: 'failing over',
};
