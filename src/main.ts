import { isLostTerminal, letGoOfTerminals } from './cli/lost-terminal.js';
import { programVersion } from './cli/version.js';
import { RunbookError } from './errors.js';

const argv = process.argv.slice(2);
const wantsJson = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length).includes('--json');

/** Runs the command line and gives its exit status. Everything that a start does not need is loaded when it is. */
async function main(): Promise<number> {
  try {
    const text = await textWithoutParser();
    if (text !== undefined) {
      process.stdout.write(text);
      return 0;
    }
  } catch (error) {
    return sayAndStatus(error);
  }
  return runParsed();
}

async function runParsed(): Promise<number> {
  const { closeInspectorDoor, listenToSignals } = await import('./cli/stopper.js');
  closeInspectorDoor();
  const stopper = listenToSignals();
  try {
    const { runProgram } = await import('./cli/program.js');
    return stoppedBySignal(await runProgram(argv, stopper, programVersion()), stopper.status());
  } catch (error) {
    return stoppedBySignal(await sayAndStatus(error), stopper.status());
  }
}

/** What shells and hurried people ask for most is answered without loading the parser. */
async function textWithoutParser(): Promise<string | undefined> {
  const [first = '', ...rest] = argv;
  if (rest.length === 0 && (first === '--version' || first === '-V')) {
    return `${programVersion()}\n`;
  }
  if (first === 'completion' && rest.length === 1 && /^[a-z]+$/.test(rest[0] ?? '')) {
    return (await import('./cli/completion.js')).completionScript(rest[0] ?? '');
  }
  const asksForHelp = first === 'help' || argv.includes('-h') || argv.includes('--help');
  return asksForHelp ? (await import('./cli/help.js')).helpFor(argv) : undefined;
}

/** 128 + n is for a signal that left nothing half done: exactly where the status would be 7. */
function stoppedBySignal(status: number, signalStatus: number | undefined): number {
  return status === 7 && signalStatus !== undefined ? signalStatus : status;
}

async function sayAndStatus(error: unknown): Promise<number> {
  if (!(error instanceof RunbookError)) {
    throw error;
  }
  const { errorJson, errorText } = await import('./cli/print-error.js');
  if (wantsJson) {
    process.stdout.write(errorJson(error));
  } else {
    process.stderr.write(errorText(error));
  }
  return error.exit;
}

/** Never rejects, or it would be told of its own end for ever: a package that is replaced meanwhile has no file to load. */
async function sayCrash(error: unknown): Promise<number> {
  const told = await recordCrash(error).catch(() => undefined);
  if (wantsJson) {
    const message = 'this is a mistake of the tool itself';
    const facts = told?.path === undefined ? [] : [`the details are in ${told.path}`];
    process.stdout.write(
      `${JSON.stringify({ schema: 'redis-runbook/error/1', error: { code: 'bug', exit: 70, message, facts, next: [] } })}\n`,
    );
  } else {
    process.stderr.write(
      told?.text ?? 'redis-runbook: this is a mistake of the tool itself, not of your fleet. [bug]\n',
    );
  }
  return 70;
}

async function recordCrash(error: unknown): Promise<{ readonly path: string | undefined; readonly text: string }> {
  const { crashText, writeCrashFile } = await import('./cli/crash-file.js');
  const { stateDirectory } = await import('./cli/context.js');
  const path = writeCrashFile(stateDirectory(process.env), error, new Date());
  return { path, text: crashText(path) };
}

/**
 * Ends the process when what was written has left it, and after two seconds in any case: a connection that somebody
 * forgot, or a reader that does not read, must not keep it.
 */
function end(status: number): void {
  const leave = () => {
    letGoOfTerminals();
    process.exit(status);
  };
  setTimeout(leave, 1500).unref();
  process.exitCode = status;
  // stderr needs no flush: Node writes to it synchronously, and opening it costs a start.
  process.stdout.write('', leave);
}

process.on('uncaughtException', (error) => {
  // `| head` and a closed terminal are no errors: what is written from then on goes nowhere.
  if (!isLostTerminal(error)) {
    void sayCrash(error).then(end);
  }
});
process.on('unhandledRejection', (error) => void sayCrash(error).then(end));
void main().catch(sayCrash).then(end);
