import type { Finding } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { listOf } from './names.js';

/** Nodes that run and of which nothing is known: each blocks, with what has to come first; and nodes that are off and could not run. */
export function notAnswering(group: GroupSurvey): readonly Finding[] {
  return [
    ...passwordRefused(group),
    ...group.redis.flatMap((node) => [...silent(node), ...stillLoading(node), ...placeTaken(node)]),
  ];
}

/** Who else listens at the place of a node that is off, in words; undefined where nobody was seen to. */
export function holderOf({ process, running }: RedisSurvey): string | undefined {
  if (!process.ok || process.value !== null || running.ok) return undefined;
  return /^no process runs; (.* is held by .*)$/.exec(running.detail)?.[1];
}

/** It blocks nothing by itself: a plan that starts the node tries the port before it begins. */
function placeTaken(node: RedisSurvey): Finding[] {
  const holder = holderOf(node);
  if (holder === undefined) return [];
  return [
    {
      id: 'port-held',
      severity: 'warning',
      nodes: [node.node],
      says: `${holder}: ${node.node} could not be started`,
      blocks: false,
      next: "see what it is by that pid, and end it there; it is none of the fleet's servers",
    },
  ];
}

/** The server's own words for a password that is wrong or missing; it was sent once, and the look went on without. */
export function isTurnedAway({ running }: RedisSurvey): boolean {
  return (
    !running.ok && running.why === 'denied' && /^(NOAUTH|WRONGPASS|ERR invalid password|NOPERM)/.test(running.detail)
  );
}

/** The node loads its own files: what it holds in the end, nobody knows yet. A copy of its master's data is no such load. */
export function isLoading(node: RedisSurvey): boolean {
  const running = known(node.running);
  return running?.loading === true && !running.syncInProgress;
}

function passwordRefused(group: GroupSurvey): Finding[] {
  const away = group.redis.filter(isTurnedAway);
  const [first] = away;
  if (first === undefined || first.running.ok) return [];
  const accept = group.redis.filter((node) => node.running.ok).map(({ node }) => node);
  const names = away.map(({ node }) => node);
  const others = accept.length === 0 ? '' : `; ${listOf(accept)} ${accept.length === 1 ? 'accepts' : 'accept'} it`;
  const says = `${listOf(names)} ${names.length === 1 ? 'refuses' : 'refuse'} the Redis password (tried once)${others}: ${withoutStop(first.running.detail)}`;
  return [
    {
      id: 'password-refused',
      severity: 'error',
      nodes: names,
      says,
      blocks: true,
      next: "correct where fleet.yaml takes the password from; or remove password: there, and each node's own redis.conf decides",
    },
  ];
}

function silent(node: RedisSurvey): Finding[] {
  if (!node.process.ok || node.process.value === null || node.running.ok || isTurnedAway(node)) return [];
  return [
    {
      id: 'runs-and-does-not-answer',
      severity: 'error',
      nodes: [node.node],
      says: `${node.node} runs (pid ${node.process.value.pid}) and does not answer: ${withoutStop(node.running.detail)}`,
      blocks: true,
      next: `find out why ${node.host} does not answer; a process that hangs can come back with its data`,
    },
  ];
}

function stillLoading(node: RedisSurvey): Finding[] {
  if (!isLoading(node)) return [];
  return [
    {
      id: 'still-loading',
      severity: 'error',
      nodes: [node.node],
      says: `${node.node} is loading its data: how it stands to the others is known when it has loaded`,
      blocks: true,
      next: 'redis-runbook status --watch   shows when it has loaded; then recover again',
    },
  ];
}

/** A server's sentence inside one of ours. */
function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
