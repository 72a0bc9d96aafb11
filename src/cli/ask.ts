import { RunbookError } from '../errors.js';
import { Secret } from '../model/secret.js';
import { printableProse } from '../report/escape.js';
import type { Context } from './context.js';

/** A key that answers a question, and what it does. */
export interface Choice {
  readonly key: string;
  readonly says: string;
}

/**
 * The only way to ask a person. Every method rejects with RunbookError `no-terminal` when nobody can be asked (`flag`
 * is the flag that answers instead) and with `stopped` at `q`, Ctrl-C, Ctrl-D or the end of input.
 */
export interface Ask {
  /** One of the keys. Enter gives `standard`, which must change nothing; without it Enter asks again. */
  choose(question: string, keys: readonly Choice[], standard?: string, flag?: string): Promise<string>;
  /** Whether exactly `expected` was typed, in three tries. Enter alone stops. */
  typeName(question: string, expected: string, flag?: string): Promise<boolean>;
  /** A line that is not empty. */
  line(question: string, flag?: string): Promise<string>;
  /** A line that is not shown while it is typed. */
  secret(question: string, flag?: string): Promise<Secret>;
}

/** Asks on the terminal of this process: questions on stderr, answers from stdin. */
export function createAsk(context: Context): Ask {
  return {
    choose: async (question, keys, standard, flag = '--yes') => {
      refuseWithoutTerminal(context, question, flag);
      const known = keys.map((choice) => choice.key);
      for (;;) {
        const given = (await prompt(context, 'input', question)).trim();
        const answer = given === '' ? standard : given;
        stopAtQ(answer);
        if (answer !== undefined && known.includes(answer)) {
          return answer;
        }
        context.stderr(`${keyLines(keys).join('\n')}\n`);
      }
    },
    typeName: async (question, expected, flag = '--set-aside NODE') => {
      refuseWithoutTerminal(context, question, flag);
      for (let misses = 0; misses < 3; misses += 1) {
        const given = await prompt(context, 'input', question);
        if (given === expected) {
          return true;
        }
        if (given === '') {
          throw new RunbookError('stopped', 'stopped: no name was typed.');
        }
        stopAtQ(given);
        context.stderr(`That is not ${printableProse(expected)}. Nothing was done.\n`);
      }
      return false;
    },
    line: async (question, flag = '--reason TEXT') => {
      refuseWithoutTerminal(context, question, flag);
      for (;;) {
        const given = (await prompt(context, 'input', question)).trim();
        stopAtQ(given);
        if (given !== '') {
          return given;
        }
      }
    },
    secret: async (question, flag = 'password: in the fleet file') => {
      const handed = context.handed?.secrets.get(question);
      if (handed !== undefined) return handed;
      refuseWithoutTerminal(context, question, flag);
      for (;;) {
        const given = await prompt(context, 'password', question);
        if (given !== '') {
          const secret = new Secret(given);
          context.asked?.set(question, secret);
          return secret;
        }
      }
    },
  };
}

/** Must come before inquirer is called: it takes answers from a pipe, and waits for ever at an end of input. */
function refuseWithoutTerminal(context: Context, question: string, flag: string): void {
  if (context.isTerminal && !context.noInput) {
    return;
  }
  const why = context.noInput ? '--no-input was given' : 'stdin and stderr are not both a terminal';
  throw new RunbookError('no-terminal', `this needs an answer, and nobody can be asked: ${why}.`, {
    facts: [question],
    next: [`answer with ${flag}, or type the command in a terminal`],
  });
}

function stopAtQ(answer: string | undefined): void {
  if (answer === 'q') {
    throw new RunbookError('stopped', 'stopped at a question.');
  }
}

function keyLines(keys: readonly Choice[]): string[] {
  const all = keys.some(({ key }) => key === 'q') ? keys : [...keys, { key: 'q', says: 'stop' }];
  return all.map(({ key, says }) => `  ${printableProse(key)}  ${printableProse(says)}`);
}

/** inquirer paints its own signs and colours; here the question stands as it is given. */
const theme = {
  prefix: '',
  style: { message: (text: string) => text, answer: (text: string) => text, error: (text: string) => text },
};

async function prompt(context: Context, type: 'input' | 'password', question: string): Promise<string> {
  context.signal.throwIfAborted();
  const { createPromptModule } = await import('inquirer');
  const end = new AbortController();
  const stopped = () => end.abort(context.signal.reason);
  const ended = () => end.abort(new RunbookError('stopped', 'stopped: the input has ended.'));
  const lost = (error: Error) =>
    end.abort(new RunbookError('stopped', `stopped: the terminal is gone (${error.message}).`));
  // readline closes at Ctrl-D and inquirer then waits for ever, so the key is watched for here.
  const key = (_: unknown, pressed: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (pressed?.ctrl && pressed.name === 'd') {
      ended();
    }
  };
  const { stdin, stderr } = process;
  context.signal.addEventListener('abort', stopped);
  stdin.on('keypress', key).on('end', ended).on('close', ended).on('error', lost);
  try {
    const module = createPromptModule({ input: stdin, output: stderr, signal: end.signal });
    const message = printableProse(question);
    const { answer } = await module<{ answer: string }>([{ type, name: 'answer', message, theme }]);
    return answer;
  } catch (error) {
    throw reasonOf(error, end.signal, context);
  } finally {
    context.signal.removeEventListener('abort', stopped);
    stdin.off('keypress', key).off('end', ended).off('close', ended).off('error', lost);
    stdin.pause();
  }
}

/** Ctrl-C at a question reaches inquirer as a key, not this process as a signal. */
function reasonOf(error: unknown, end: AbortSignal, context: Context): unknown {
  if (end.aborted) {
    return end.reason;
  }
  if (error instanceof Error && error.name === 'ExitPromptError') {
    context.stop('Ctrl-C');
    return context.signal.reason;
  }
  return error;
}
