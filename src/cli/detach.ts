import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitStatus, RunbookError } from '../errors.js';
import { journalPath } from '../execute/journal.js';
import type { RunDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { Context } from './context.js';
import { handingEnvironment, handingText } from './handed-over.js';

/** What the run says goes here, inside its directory. */
const OUTPUT = 'output.txt';
const BEGIN_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 100;

/** Questions cannot be asked of a run without a terminal. Throws RunbookError `usage`. */
export function refuseDetached(flags: {
  readonly detach?: boolean;
  readonly yes: boolean;
  readonly step: boolean;
}): void {
  if (!flags.detach || (flags.yes && !flags.step)) return;
  throw new RunbookError('usage', 'A run that outlives its terminal cannot ask anything: --detach needs --yes.', {
    facts: ['a loss is agreed to here all the same, with --set-aside or --accept-loss and --reason'],
    next: ['redis-runbook recover --yes --detach', 'tmux new redis-runbook recover   keeps the questions'],
  });
}

/**
 * Starts this command once more in a session of its own, without a terminal: its output goes to the run's directory, the
 * passwords that were typed go through a pipe. Returns when the run has begun; when it ends before that, its words are
 * shown and its status is this one's.
 */
export async function detachRun(directory: RunDirectory, plan: Plan, context: Context): Promise<number> {
  const child = start(directory);
  const { fingerprint } = plan;
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(handingText({ directory, fingerprint, secrets: context.asked ?? new Map() }));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? exitStatus.unknown));
  });
  const status = await Promise.race([ended, begun(directory, context)]);
  if (status !== undefined) {
    context.stderr(await readFile(join(directory.path, OUTPUT), 'utf8').catch(() => ''));
    return status;
  }
  child.unref();
  context.stdout(context.json ? jsonOf(directory, child) : `${words(directory, child).join('\n')}\n`);
  return exitStatus.done;
}

function start(directory: RunDirectory): ChildProcess {
  const output = openSync(join(directory.path, OUTPUT), 'ax', 0o600);
  try {
    const [program = '', script = '', ...given] = process.argv;
    const argv = given.filter((word) => word !== '--detach');
    return spawn(program, [...process.execArgv, script, ...argv], {
      detached: true,
      env: handingEnvironment(process.env),
      stdio: ['pipe', output, output],
    });
  } finally {
    closeSync(output);
  }
}

async function begun(directory: RunDirectory, context: Context): Promise<undefined> {
  const end = performance.now() + BEGIN_LIMIT_MS;
  for (;;) {
    const text = await readFile(journalPath(directory.path), 'utf8').catch(() => '');
    if (text.includes('\n')) return undefined;
    if (performance.now() > end || context.signal.aborted) {
      throw new RunbookError('unknown', `Run ${directory.run} was started, and did not begin in time.`, {
        facts: [`what it says goes to ${join(directory.path, OUTPUT)}`],
        next: [`redis-runbook history show ${directory.run} --follow`],
      });
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function words({ run, path }: RunDirectory, { pid }: ChildProcess): readonly string[] {
  return [
    `Run ${run} goes on without this terminal, as process ${pid}; what it says goes to`,
    path,
    '',
    `  redis-runbook history show ${run} --follow   follows it, from any terminal`,
    `  kill -INT ${pid}   stops it after the action under way`,
  ];
}

function jsonOf({ run, path }: RunDirectory, { pid }: ChildProcess): string {
  return `${toJson({ schema: 'redis-runbook/detached/1', type: 'detached', run, pid, directory: path })}\n`;
}
