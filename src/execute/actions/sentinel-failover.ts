import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisReader, RedisWriter } from '../../hosts/host.js';
import type { ActionOf } from '../../model/plan.js';
import type { SentinelReplica } from '../../model/survey.js';
import { isChoosable, pairs, parseSentinelMaster, parseSentinelReplicas } from '../../redis/sentinel-answers.js';
import { answerOf, replyOf, withReader, withWriter } from '../node.js';
import { type ActionModule, type At, Unsure } from '../tools.js';

type Failover = ActionOf<'sentinel.failover'>;

/**
 * A replica's INFO may be five seconds old to be chosen, and comes every ten until the master is seen as down. An election
 * of its own that nobody wins answers INPROG for ten seconds (sentinel.c:SENTINEL_ELECTION_TIMEOUT).
 */
const ASK_LIMIT_MS = 30_000;
const CHOSEN_LIMIT_MS = 10_000;
const MOST_ATTEMPTS = 3;
const POLL_MS = 100;

/**
 * `SENTINEL FAILOVER` on one sentinel. NOGOODSLAVE has two causes that pass (sentinel.c:sentinelSelectSlave): an INFO that
 * is too old, which is asked again, and the rule that a replica may not have been cut off for longer than ten times
 * `down-after-milliseconds`; then that is raised on this one sentinel for this one command, and put back; after a run that was
 * cut off in between, when it goes on.
 */
export const sentinelFailover: ActionModule<'sentinel.failover'> = {
  changes: true,
  undo: { none: 'the new master accepts writes at once; another failover gives the role on' },
  look: (action, at) =>
    withReader(at, action.node, async (reader) => {
      if (at.memory.raised.has(action.node))
        return { state: 'not-done', says: 'may still have the down-after-milliseconds that this run raised' };
      const { master, failoverState } = await masterOf(reader, action.group);
      if (master !== action.was) return { state: 'done', says: `names ${master} as master already` };
      return hasBegun(failoverState)
        ? { state: 'done', says: `is failing over already (${failoverState})` }
        : { state: 'not-done', says: `names ${master} as master` };
    }),
  act: (action, at) =>
    withWriter(at, action.node, async (writer) => {
      const left = at.memory.raised.get(action.node);
      if (left !== undefined) await putBack(writer, action, left, at);
      at.memory.raised.delete(action.node);
      if (left !== undefined && (await hasMoved(writer, action.group, action.was)))
        return { says: `fails over already; down-after-milliseconds is ${left} again` };
      const raised = await raiseIfTooOld(writer, action, at);
      try {
        await follow(writer, action, at);
      } finally {
        if (raised !== undefined) await putBack(writer, action, raised, at);
      }
      return { says: raised === undefined ? 'fails over' : `fails over; down-after-milliseconds is ${raised} again` };
    }),
};

/** An attempt of its own waits for votes that do not come, and is none that anything can be left to. */
function hasBegun(failoverState: string | undefined): boolean {
  return failoverState !== undefined && failoverState !== 'none' && failoverState !== 'wait_start';
}

function masterOf(reader: RedisReader, group: string): Promise<ReturnType<typeof parseSentinelMaster>> {
  return answerOf(reader, 'SENTINEL MASTER', group).then(parseSentinelMaster);
}

async function replicasOf(reader: RedisReader, group: string): Promise<readonly SentinelReplica[]> {
  const answer = await answerOf(reader, 'SENTINEL REPLICAS', group).catch(() =>
    answerOf(reader, 'SENTINEL SLAVES', group),
  );
  return parseSentinelReplicas(answer).filter(isChoosable);
}

/** What `down-after-milliseconds` was, when it had to be raised; undefined when it was left as it is. */
async function raiseIfTooOld(writer: RedisWriter, action: Failover, at: At): Promise<number | undefined> {
  const row = pairs(await answerOf(writer, 'SENTINEL MASTER', action.group));
  const downAfterMs = Number(row.get('down-after-milliseconds'));
  const downForMs = Number(row.get('s-down-time') ?? 0);
  const rows = await replicasOf(writer, action.group);
  const longestMs = Math.max(0, ...rows.map(({ masterLinkDownMs }) => masterLinkDownMs));
  if (longestMs <= downForMs + 10 * downAfterMs) return undefined;
  const wanted = Math.ceil(longestMs / 10) + 1000;
  await at.evidence(
    `down-after-milliseconds of ${action.node} is raised from ${downAfterMs} to ${wanted}: a replica was cut off for ${longestMs} ms`,
    { was: downAfterMs, wanted },
  );
  await setDownAfter(writer, action, wanted);
  return downAfterMs;
}

async function setDownAfter(writer: RedisWriter, { group }: Failover, ms: number): Promise<void> {
  await replyOf(writer, 'SENTINEL SET', group, 'down-after-milliseconds', String(ms));
}

/** Whatever became of the command: a sentinel that calls nobody down for hours would be worse than the outage. */
async function putBack(writer: RedisWriter, action: Failover, ms: number, at: At): Promise<void> {
  try {
    await setDownAfter(writer, action, ms).catch(() =>
      withWriter(at, action.node, (own) => setDownAfter(own, action, ms)),
    );
    await at.evidence(`down-after-milliseconds of ${action.node} is ${ms} again`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const command = `SENTINEL SET ${action.group} down-after-milliseconds ${ms}`;
    await at.evidence(`down-after-milliseconds of ${action.node} could not be put back: ${why}`, { command });
    at.note(`${action.node}: down-after-milliseconds is still raised (${why}); on that sentinel: ${command}`);
  }
}

async function ask(writer: RedisWriter, { group, node, was }: Failover, at: At): Promise<void> {
  const until = performance.now() + ASK_LIMIT_MS;
  for (;;) {
    const refused = await replyOf(writer, 'SENTINEL FAILOVER', group).then(
      () => undefined,
      (error: Error) => error,
    );
    if (refused === undefined) return;
    if (!/NOGOODSLAVE|INPROG/.test(refused.message) || performance.now() > until) throw refused;
    if (await hasMoved(writer, group, was)) return;
    const rows = await replicasOf(writer, group);
    const ages = rows.map(({ address, infoAgoMs }) => `${address} ${infoAgoMs} ms ago`).join(', ');
    const left = until - performance.now();
    at.waiting(
      `${node} has fresh news of a replica`,
      ages || 'none that it could choose',
      ASK_LIMIT_MS - left,
      ASK_LIMIT_MS,
    );
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
}

/** Its own attempt, which was under way, came further than an election that nobody wins. */
async function hasMoved(reader: RedisReader, group: string, was: string): Promise<boolean> {
  const { master, failoverState } = await masterOf(reader, group);
  return master !== was || hasBegun(failoverState);
}

/**
 * Asks until a failover has promoted somebody. One that was accepted may be given up by the sentinel itself
 * (sentinel.c:sentinelAbortFailover): the replica that it chose did not answer in time. The age rule is asked when the
 * replica is selected, some ticks after the command was accepted. Throws when it was given up too often.
 */
async function follow(writer: RedisWriter, action: Failover, at: At): Promise<void> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    await ask(writer, action, at);
    const end = await endOf(writer, action, at);
    if (end === 'promoted') return;
    if (end === 'under way') throw new Unsure('it was accepted, and had promoted nobody when the time was over');
    await at.evidence(`${action.node} gave the failover up; attempt ${attempt} of ${MOST_ATTEMPTS}`);
  }
  throw new Error(
    `${action.node} accepted a failover ${MOST_ATTEMPTS} times and gave it up each time: its log says why`,
  );
}

async function endOf(
  reader: RedisReader,
  { group, was }: Failover,
  at: At,
): Promise<'promoted' | 'given up' | 'under way'> {
  const { failoverTimeoutMs } = await masterOf(reader, group);
  const until = performance.now() + failoverTimeoutMs + CHOSEN_LIMIT_MS;
  while (performance.now() < until) {
    const { master, failoverState, flags } = await masterOf(reader, group);
    if (master !== was || /^(reconf|update)/.test(failoverState ?? '')) return 'promoted';
    if (!flags.includes('failover_in_progress')) return 'given up';
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
  return 'under way';
}
