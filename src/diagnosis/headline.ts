import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import type { State } from './state.js';
import type { Verdict } from './verdict.js';

/** One to four sentences: what is true, with node names. Ends with what the operator must not do by hand, when that matters. */
export function headlineOf(
  group: GroupSurvey,
  state: State,
  verdict: Verdict,
  lost: Diagnosis['onNoDisk'],
): readonly string[] {
  if (state.state === 'healthy') return [healthy(group, state)];
  if (state.state === 'sentinel-at-work')
    return [
      `Sentinel is at work on ${group.group}: ${state.why}.`,
      'Wait and look again; nothing needs to be done by hand yet.',
    ];
  if (state.state === 'degraded') return degraded(group, state);
  if (state.state === 'unknown') return [`The state of ${group.group} is not known: ${state.why}.`];
  return down(group, state, verdict, lost);
}

function healthy(group: GroupSurvey, state: State): string {
  const master = state.master;
  const others = group.redis.filter((node) => node !== master);
  const top = known(master?.running)?.offset ?? 0n;
  const behind = others.reduce((max, node) => {
    const lag = top - (known(node.running)?.offset ?? top);
    return lag > max ? lag : max;
  }, 0n);
  const follow =
    others.length === 0
      ? 'it has no replica'
      : `${list(others.map((node) => node.node))} follow within ${behind} bytes`;
  return `${group.group} is healthy: ${master?.node} is master, ${follow}, all ${group.sentinels.length} sentinels agree.`;
}

function degraded(group: GroupSurvey, state: State): readonly string[] {
  const more = state.amiss.length > 1 ? ` (and ${state.amiss.length - 1} more)` : '';
  return [`${group.group} serves: ${state.master?.node} is master.`, `It is not healthy: ${state.amiss[0]}${more}.`];
}

function down(group: GroupSurvey, state: State, verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  const names = list(group.redis.map((node) => node.node));
  const first =
    state.running.length === 0
      ? `${group.group} is down: Redis runs on none of ${names}.`
      : `${group.group} is down: ${state.why}.`;
  return [first, ...lossSentence(verdict, lost), ...winnerSentence(verdict, lost), 'Do not start any Redis by hand.'];
}

function lossSentence(verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  if (!lost) return [];
  const seconds =
    lost.seconds === undefined ? 'writes of an unknown time' : `the last ${lost.seconds} seconds of traced service`;
  const newest = lost.newestFile ? `the newest file is ${lost.newestFile}'s` : 'no node has a file with data';
  return [
    `Data is on no disk: ${seconds} were in memory only when the last master stopped; ${newest}${verdict.winner ? '' : ' as far as can be told'}.`,
  ];
}

function winnerSentence(verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  if (verdict.winner === undefined) return [`No node is proved to be the freshest: ${verdict.noWinnerWhy}.`];
  if (lost) return [`${verdict.winner} is the best that is left.`];
  const tails = verdict.possibleTails.map((item) => item.node);
  const rest =
    tails.length === 0 ? 'and contains all others' : `; ${list(tails)} may hold a few last writes that it never got`;
  return [`${verdict.winner} is the freshest${tails.length === 0 ? ` ${rest}` : rest}.`];
}

function list(names: readonly string[]): string {
  if (names.length <= 1) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
