import { setTimeout as sleep } from 'node:timers/promises';
import { withLeftOut } from '../model/left-out.js';
import type { Condition, Stage } from '../model/plan.js';
import { changeLeftOut } from './left-out-file.js';
import { entryOf } from './node.js';
import { emit, type Run } from './run.js';

/** How long a host that seems to be gone may take to answer anything at all. */
const ANSWER_MS = 8000;
const AGAIN_MS = 1000;
const NOTE_MS = 5000;

/**
 * Whether a run may go on without a host from here: the master serves, its data was checked, and the host is not the
 * master's own. Before that moment the files of a lost host may be needed, or its Redis may still serve.
 */
function mayGoOn(run: Run, host: string): boolean {
  const { plan, progress, tools } = run;
  return progress.servingSince !== undefined && entryOf(tools, plan.master)?.host !== host && plan.rejoins !== host;
}

/** Asked twice: a connection that dropped is no lost host, the second question logs in again. */
async function answers(run: Run, name: string): Promise<boolean> {
  if (await answersNow(run, name)) return true;
  await sleep(AGAIN_MS, undefined, { signal: run.options.now }).catch(() => undefined);
  return answersNow(run, name);
}

/** Asks a host for the least that there is. False: it does not answer now, whatever else is true. */
async function answersNow(run: Run, name: string): Promise<boolean> {
  const host = run.tools.hosts.get(name);
  if (!host) return false;
  const limit = AbortSignal.any([run.options.now, AbortSignal.timeout(ANSWER_MS)]);
  try {
    return (await host.run(['true'], { timeoutMs: ANSWER_MS }, limit)).status === 0;
  } catch {
    return false;
  }
}

/**
 * After something failed on a host: looks whether the host is there at all. Where it is not, and the run may go on without
 * it, it is left out from here on, every other host is told, and the answer is true; else nothing changed.
 */
export async function dropIfLost(run: Run, stage: Stage, host: string, why: string): Promise<boolean> {
  if (run.memory.gone.has(host)) return true;
  if (!mayGoOn(run, host) || run.options.now.aborted || (await answers(run, host))) return false;
  if (run.options.now.aborted || run.memory.gone.has(host)) return run.memory.gone.has(host);
  const text = `lost in stage ${stage.title}: ${why}`;
  run.memory.gone.set(host, text);
  run.memory.locks.delete(host);
  await run.tools.journal.write({
    action: 'run',
    phase: 'evidence',
    text: `${host} was ${text}; the run goes on without it`,
  });
  emit(run, {
    type: 'note',
    text: `${host} does not answer any more. The master serves, so the run goes on without it.`,
  });
  await noteLost(run, host, text);
  return true;
}

async function noteLost(run: Run, host: string, why: string): Promise<void> {
  const { plan, tools } = run;
  const since = tools.now().toISOString();
  const note = { host, group: plan.group, run: tools.run, who: tools.who, since, why };
  const others = [...run.memory.locks.keys()].filter((name) => !run.memory.gone.has(name));
  const told = await Promise.all(
    others.map(async (name) => {
      const target = tools.hosts.get(name);
      if (!target) return [];
      const signal = AbortSignal.timeout(NOTE_MS);
      return changeLeftOut(target, (before) => withLeftOut(before, note), signal).then(
        () => [name],
        () => [],
      );
    }),
  );
  const text = `noted on ${told.flat().join(', ') || 'no host'} that ${host} is left out`;
  await tools.journal.write({ action: 'run', phase: 'evidence', text });
}

/** A condition without what is on lost hosts; undefined when it was about nothing else. */
export function withoutLost(condition: Condition, run: Run): Condition | undefined {
  const { gone } = run.memory;
  if (gone.size === 0) return condition;
  const isHere = (node: string) => !gone.has(entryOf(run.tools, node)?.host ?? '');
  switch (condition.kind) {
    case 'is-master':
    case 'data-loaded':
    case 'linked-to':
    case 'caught-up-with':
      return isHere(condition.node) ? condition : undefined;
    case 'failed-over':
      return condition;
    case 'not-restarted':
      return { ...condition, nodes: condition.nodes.filter(({ node }) => isHere(node)) };
    case 'stopped':
    case 'nothing-held':
    case 'no-sentinel-talks':
    case 'files-as-planned':
      return { ...condition, nodes: condition.nodes.filter(isHere) };
    case 'quorum':
      return { ...condition, sentinels: condition.sentinels.filter(isHere) };
    case 'sentinels-agree':
      return {
        ...condition,
        sentinels: condition.sentinels.filter(isHere),
        replicas: condition.replicas.filter(isHere),
      };
  }
}

/** The hosts that a condition asks, without those that are lost already. */
export function hostsAsked(condition: Condition, run: Run): readonly string[] {
  const nodes = [
    ...('node' in condition ? [condition.node] : []),
    ...('nodes' in condition ? condition.nodes.map((each) => (typeof each === 'string' ? each : each.node)) : []),
    ...('sentinels' in condition ? condition.sentinels : []),
    ...('replicas' in condition ? condition.replicas : []),
  ];
  const hosts = nodes.flatMap((node) => entryOf(run.tools, node)?.host ?? []);
  return [...new Set(hosts)].filter((host) => !run.memory.gone.has(host));
}
