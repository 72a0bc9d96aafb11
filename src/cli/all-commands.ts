import { backupFlags } from './backup/flags.js';
import { type CommandRow, commands } from './command-table.js';
import { labFlags } from './lab.js';

const ownFlags = new Map([
  ['lab', labFlags],
  ['backup', backupFlags],
]);

/** The command table with the flags that some commands declare themselves. */
export const allCommands: readonly CommandRow[] = commands.map((row) => {
  const flags = ownFlags.get(row.name);
  return flags === undefined ? row : { ...row, flags };
});
