import { type CommandRow, commands } from './command-table.js';
import { labFlags } from './lab.js';

/** The command table with the flags that `lab` declares itself. */
export const allCommands: readonly CommandRow[] = commands.map((row) =>
  row.name === 'lab' ? { ...row, flags: labFlags } : row,
);
