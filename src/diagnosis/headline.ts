import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import { beyondMaster } from './beyond.js';
import { listOf } from './names.js';
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
      ...(verdict.byItsWord === undefined ? [] : [`It goes by offsets alone, and ${verdict.byItsWord}.`]),
      'Wait and look again; nothing needs to be done by hand yet.',
    ];
  if (state.state === 'degraded') return degraded(group, state, verdict);
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
      : `${listOf(others.map((node) => node.node))} follow within ${behind} bytes`;
  return `${group.group} is healthy: ${master?.node} is master, ${follow}, all ${group.sentinels.length} sentinels agree.`;
}

/** More than this many things amiss are counted, not named: the evidence has them all. */
const MOST_NAMED = 4;

function degraded(group: GroupSurvey, state: State, verdict: Verdict): readonly string[] {
  const named = state.amiss.slice(0, MOST_NAMED).join('; ');
  const more = state.amiss.length > MOST_NAMED ? ` (and ${state.amiss.length - MOST_NAMED} more)` : '';
  const serves = `${group.group} serves: ${state.master?.node} is master.`;
  return [serves, ...beyondSentences(group, state, verdict), `It is not healthy: ${named}${more}.`];
}

function beyondSentences(group: GroupSurvey, { master }: State, verdict: Verdict): readonly string[] {
  const beyond = master === undefined ? [] : beyondMaster(group, master, verdict);
  const [first] = beyond;
  if (master === undefined || first === undefined) return [];
  const names = listOf(beyond.map((each) => each.node));
  return [
    `${names} ${beyond.length === 1 ? 'holds' : 'hold'} data that ${master.node} never got: ${first.why}.`,
    `Do not start ${names} by hand: a sentinel would make ${master.node} overwrite ${beyond.length === 1 ? 'it' : 'them'}.`,
  ];
}

function down(group: GroupSurvey, state: State, verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  const first = `${group.group} is down: ${state.why}.`;
  return [
    first,
    ...lossSentence(group, verdict, lost),
    ...winnerSentence(group, verdict, lost),
    'Do not start any Redis by hand.',
  ];
}

function lossSentence(group: GroupSurvey, verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  if (!lost) return [];
  if (lost.earlier)
    return [`Data may be on no disk: a life of the group before this one was not saved in order; ${lost.why}.`];
  const runs = group.redis.some((node) => node.node === verdict.winner && node.running.ok);
  if (runs) {
    const most = lost.seconds === undefined ? 'of an unknown time' : `of up to ${lost.seconds} seconds`;
    return [
      `Data may be on no disk: writes ${most} that had not yet reached ${verdict.winner} when the last master died.`,
    ];
  }
  const seconds =
    lost.seconds === undefined
      ? 'writes of an unknown time'
      : `up to ${lost.seconds} ${lost.seconds === 1 ? 'second' : 'seconds'} of writes`;
  const newest = lost.newestFile
    ? `the newest file is ${lost.newestFile}'s`
    : 'no node has a file that is known to be the newest';
  return [`Data is on no disk: ${seconds} were in memory only when the last master stopped; ${newest}.`];
}

function winnerSentence(group: GroupSurvey, verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly string[] {
  const { winner } = verdict;
  if (winner === undefined) return [`No node is proved to be the freshest: ${verdict.noWinnerWhy}.`];
  if (lost) return [`${winner} is the best that is left${verdict.byItsWord ? `: ${verdict.byItsWord}` : ''}.`];
  const unseen = group.redis.filter((node) => !node.process.ok && node.node !== winner).map((node) => node.node);
  const among = unseen.length > 0 ? `the freshest of what could be seen` : 'the freshest';
  const tails = verdict.possibleTails.map((item) => item.node);
  if (tails.length > 0)
    return [`${winner} is ${among}; ${listOf(tails)} may hold a few last writes that it never got.`];
  const others = group.redis.length > 1 ? ' and contains all others' : '';
  return [`${winner} is ${among}${unseen.length > 0 ? '' : others}.`];
}
