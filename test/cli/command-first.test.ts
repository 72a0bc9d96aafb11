import { describe, expect, it } from 'vitest';
import { allCommands } from '../../src/cli/all-commands.js';
import { commandFirst } from '../../src/cli/command-first.js';
import { flagNames, globalFlags } from '../../src/cli/command-table.js';

describe('flags before, between and behind the command', () => {
  it.each([
    ['recover --json', 'recover --json'],
    ['--json recover', 'recover --json'],
    ['-n -f shop recover pv1', 'recover -n --fleet=shop pv1'],
    ['--reason recover status', 'status --reason=recover'],
    ['lab --seed 3 up', 'lab up --seed=3'],
    ['--fleet=x status', 'status --fleet=x'],
    ['recover --reason -dash', 'recover --reason=-dash'],
    ['explain -- --promote', 'explain -- --promote'],
    ['help recover', 'help recover'],
    ['-vv', '-vv'],
  ])('%s', (given, expected) => {
    expect(commandFirst(given.split(' '), allCommands)).toEqual(expected.split(' '));
  });
});

describe('the command table', () => {
  it('means one thing by each flag name: with or without a value in all commands, and no global one again', () => {
    const seen = new Map<string, boolean>();
    for (const row of [...globalFlags, ...allCommands.flatMap((command) => command.flags)]) {
      for (const name of flagNames(row)) {
        expect(`${name} ${seen.get(name) ?? row.flags.includes('<')}`).toBe(`${name} ${row.flags.includes('<')}`);
        seen.set(name, row.flags.includes('<'));
      }
    }
    const own = allCommands.flatMap((command) => command.flags).flatMap(flagNames);
    expect(own.filter((name) => globalFlags.flatMap(flagNames).includes(name))).toEqual([]);
  });
});
