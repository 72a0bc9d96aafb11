import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Lab } from '../../src/lab/lab.js';
import { holds, notYet, until } from '../../src/lab/until.js';

const tool = resolve('bin/redis-runbook.js');
const windowProgram = resolve('test/fixtures/cli/window.mjs');
const LIMIT_MS = 60_000;

/** The program in a real terminal, with a person in front of it. */
export interface Terminal {
  /** Everything shown so far, without colour and cursor movements. */
  screen(): string;
  /** Waits until `text` is shown after everything that was waited for before; blanks and line ends count as one blank. */
  sees(text: string): Promise<void>;
  type(keys: string): void;
  /** Closes the window: the program is told by the system alone. */
  close(): void;
  /** Process id of the program, once it runs. */
  pid(): number;
  /** The program's exit status. */
  ended(): Promise<number>;
}

let windows = 0;

/**
 * Starts `redis-runbook ARGS --fleet …` (without a fleet file where the lab names none) in a terminal of that many columns. The terminal belongs to a process of its
 * own, so that it can be closed as a window is; `within` stands before it (`ip netns exec NAME`).
 */
export function inTerminal(
  lab: Pick<Lab, 'directory'> & Partial<Pick<Lab, 'fleetFile'>>,
  args: readonly string[],
  columns = 80,
  within: readonly string[] = [],
): Terminal {
  windows += 1;
  const [pidFile, statusFile] = ['pid', 'status'].map((name) => join(lab.directory, `window-${windows}.${name}`));
  const fleet = lab.fleetFile === undefined ? [] : ['--fleet', lab.fleetFile];
  const words = [process.execPath, tool, ...args, ...fleet].map((word) => `'${word}'`).join(' ');
  // As a login shell: told by the kernel that its window is gone, it tells the program, and outlives it.
  const script = [
    `exec 3<&0; ${words} <&3 & p=$!; echo $p >'${pidFile}'; trap 'kill -HUP $p' HUP; wait $p; s=$?`,
    `while kill -0 $p 2>/dev/null; do wait $p; s=$?; done; echo $s >'${statusFile}'`,
  ].join('\n');
  const [program = '', ...rest] = [...within, process.execPath, windowProgram, script, String(columns)];
  const child = spawn(program, rest, {
    cwd: lab.directory,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: lab.directory,
      TERM: 'xterm',
      XDG_STATE_HOME: join(lab.directory, 'operator'),
    },
  });
  let raw = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
  });
  child.stdin.on('error', () => undefined);
  const screen = () => stripVTControlCharacters(raw.replace(redrawn, '\r')).replaceAll('\r\n', '\n');
  const over = () => child.exitCode !== null || child.signalCode !== null;
  return {
    screen,
    sees: async (text) => {
      const wanted = flat(text);
      const shown = await until(`the screen to show ${JSON.stringify(text)}`, LIMIT_MS, async () => {
        const late = over();
        const at = flat(screen()).indexOf(wanted, seen);
        if (at >= 0) seen = at + wanted.length;
        return at >= 0 || late ? holds(at >= 0) : notYet(screen().slice(-300));
      });
      if (!shown) throw new Error(`it ended without showing ${JSON.stringify(text)}:\n${screen().slice(-3000)}`);
    },
    type: (keys) => void child.stdin.write(keys),
    close: () => void child.kill('SIGKILL'),
    pid: () => Number(readFileSync(pidFile ?? '', 'utf8')),
    ended: () =>
      until('the program to end', LIMIT_MS, async () => {
        const text = existsSync(statusFile ?? '') ? readFileSync(statusFile ?? '', 'utf8') : '';
        return text.endsWith('\n') ? holds(Number(text)) : notYet(screen().slice(-300));
      }),
  };
}

function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Going back to the start of the line, and emptying it: what comes next stands in the place of what was there. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a terminal is sent
const redrawn = /\u001b\[\d*[GK]/g;
