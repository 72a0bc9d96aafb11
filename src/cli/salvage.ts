import { exitStatus, RunbookError } from '../errors.js';
import { readRun, runsDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import { printable } from '../report/escape.js';
import { renderLedger } from '../report/ledger-text.js';
import { keysIn, salvagesIn } from '../salvage/read.js';
import type { Context } from './context.js';
import type { SalvageFlags } from './flags.js';
import { applyCommand, wanted } from './salvage-apply.js';
import { type Bundle, listSalvages } from './salvage-list.js';

/** `salvage list|show|apply`: what branches that were set aside hold alone, and putting it back. */
export async function salvageCommand(flags: SalvageFlags, context: Context): Promise<number> {
  if (flags.sub === 'list') return listSalvages(context);
  if (flags.sub === 'collect') return (await import('./salvage-collect.js')).collectCommand(flags, context);
  const bundles = await bundlesOf(flags);
  return flags.sub === 'show' ? show(bundles, flags, context) : applyCommand(bundles, flags, context);
}

async function bundlesOf({ run }: SalvageFlags): Promise<readonly Bundle[]> {
  const { directory } = await readRun(runsDirectory(process.env), run ?? '');
  const bundles = (await salvagesIn(directory.path)).map((one) => ({ ...one, run: directory.run }));
  if (bundles.length > 0) return bundles;
  throw new RunbookError('usage', `Run ${directory.run} has set no keys aside in a bundle.`, {
    next: ['redis-runbook salvage list'],
  });
}

async function show(bundles: readonly Bundle[], flags: SalvageFlags, context: Context): Promise<number> {
  if (flags.keys && !context.isTerminal)
    throw new RunbookError('no-terminal', 'Names of keys are shown on a terminal only.', {
      next: [`redis-runbook salvage show ${bundles[0]?.run ?? 'RUN'}   without --keys`],
    });
  if (context.json) {
    const told = bundles.map(({ run, manifest }) => ({ run, ...manifest }));
    context.stdout(`${toJson({ schema: 'redis-runbook/salvage-show/1', bundles: told }, 2)}\n`);
    return exitStatus.done;
  }
  for (const bundle of bundles) {
    context.stdout(renderLedger(bundle.manifest.ledger, { width: context.columns, colour: context.colour }));
    if (flags.keys) await showKeys(bundle, flags, context);
  }
  const run = bundles[0]?.run ?? '';
  context.stdout(`\nNext:\n  redis-runbook salvage apply ${run} --dry-run   what would be put back\n`);
  return exitStatus.done;
}

async function showKeys(bundle: Bundle, flags: SalvageFlags, context: Context): Promise<void> {
  const wants = wanted(flags.only);
  for await (const { key, database, type, standing } of keysIn(bundle)) {
    if (!wants(key)) continue;
    const where = database === 0 ? '' : ` (database ${database})`;
    context.stdout(
      `  ${standing.padEnd(12)}  ${type.padEnd(6)}  ${printable(Buffer.from(key).toString('utf8'))}${where}\n`,
    );
  }
}
