import type { NodeEntry } from '../model/inventory.js';
import type { RawAnswer, Resp } from '../model/raw-host.js';
import type { NotSeen } from '../model/seen.js';
import type { Credentials } from '../redis/credentials.js';
import type { ReadCommand, RedisAccess, RedisReader } from './host.js';
import { fromNode, type LookContext } from './look-file.js';
import { missed, within } from './reading.js';
import { openReader } from './redis-client.js';
import { endpointOf } from './redis-endpoint.js';

/** No secret among them: what CONFIG GET answers is kept and saved. */
const settings = [
  'appendonly',
  'dir',
  'dbfilename',
  'save',
  'maxmemory',
  'appendfilename',
  'appenddirname',
  'replica-read-only',
  'repl-backlog-ttl',
  'protected-mode',
  'aclfile',
  'logfile',
  'pidfile',
  'maxmemory-policy',
  'appendfsync',
  'stop-writes-on-bgsave-error',
  'min-replicas-to-write',
  'replica-priority',
  'loglevel',
] as const;

type Question = readonly [command: ReadCommand, ...args: string[]];

function questionsFor(node: NodeEntry, groups: readonly string[]): readonly Question[] {
  if (node.kind === 'redis') {
    return [['INFO', 'all'], ['ROLE'], ...settings.map((name): Question => ['CONFIG GET', name])];
  }
  const perGroup = [
    'SENTINEL MASTER',
    'SENTINEL REPLICAS',
    'SENTINEL SENTINELS',
    'SENTINEL CKQUORUM',
    'SENTINEL GET-MASTER-ADDR-BY-NAME',
    'SENTINEL INFO-CACHE',
  ] as const;
  const asked = groups.flatMap((group) => perGroup.map((command): Question => [command, group]));
  return [['INFO'], ['SENTINEL MYID'], ...asked];
}

/** What older versions call the same question. */
function olderWord([command, ...args]: Question): Question | undefined {
  if (command === 'SENTINEL REPLICAS') return ['SENTINEL SLAVES', ...args];
  return command === 'INFO' && args.length > 0 ? ['INFO'] : undefined;
}

function isError(answer: Resp): boolean {
  return answer !== null && typeof answer === 'object' && 'error' in answer;
}

async function answerTo(reader: RedisReader, node: string, question: Question): Promise<readonly RawAnswer[]> {
  const answer = await reader.ask(...question);
  const raw: RawAnswer = { node, command: question.join(' '), answer };
  const older = answer.ok && isError(answer.value) ? olderWord(question) : undefined;
  return older ? [raw, ...(await answerTo(reader, node, older))] : [raw];
}

function notAnswered(node: NodeEntry, questions: readonly Question[], why: NotSeen): readonly RawAnswer[] {
  return questions.map((question) => {
    const command = question.join(' ');
    return { node: node.id, command, answer: { ...why, from: { ...why.from, source: command } } };
  });
}

export interface NodeToAsk {
  readonly node: NodeEntry;
  readonly credentials: Credentials | undefined;
  readonly groups: readonly string[];
  /** Why the node must not even be asked: another program holds its port. */
  readonly not: string | undefined;
}

/**
 * What a running node answers; all questions are sent at once. A node that does not answer has a reading without a
 * value for each. Connecting and answering together take at most one reading's time.
 */
export async function lookAtAnswers(
  context: LookContext,
  host: RedisAccess,
  ask: NodeToAsk,
): Promise<readonly RawAnswer[]> {
  const { node, credentials, groups } = ask;
  const { readingTimeoutMs, textBytes } = context.limits;
  const questions = questionsFor(node, groups);
  const from = fromNode(context, node.id, 'PING');
  if (ask.not !== undefined) return notAnswered(node, questions, missed('denied', ask.not, from));
  const endpoint = endpointOf(node, credentials);
  const options = { timeoutMs: readingTimeoutMs, limitBytes: textBytes };
  const all = await within(from, readingTimeoutMs, context.signal, async (signal) => {
    const opened = await openReader(host, endpoint, options, signal);
    if (!opened.ok) return opened;
    try {
      const answers = await Promise.all(questions.map((question) => answerTo(opened.value, node.id, question)));
      return { ...opened, value: answers.flat() };
    } finally {
      opened.value.close();
    }
  });
  return all.ok ? all.value : notAnswered(node, questions, all);
}
