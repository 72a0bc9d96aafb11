import { RunbookError } from '../errors.js';
import type { Context } from './context.js';
import type { AuditFlags, PlanFlags, RecoverFlags, SelectFlags } from './flags.js';
import { withFleet } from './with-fleet.js';

/** What the parser found: the command, its subcommand, its words, and its flags by their camel-case long name. */
export interface Given extends SelectFlags {
  readonly command: string;
  readonly sub: string | undefined;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** `--fleet` as given on the command line. */
  readonly fleet: string | undefined;
}

/** Runs the command. Each loads what it uses only here: a start costs what the command needs and nothing more. */
export async function runCommand(given: Given, context: Context): Promise<number> {
  try {
    return await dispatch(given, context);
  } catch (error) {
    if (error instanceof RunbookError) throw withFleet(error, context);
    throw error;
  }
}

async function dispatch(given: Given, context: Context): Promise<number> {
  const { sub, options } = given;
  const select: SelectFlags = { group: given.group, survey: given.survey };
  const word = given.args[0];
  switch (given.command) {
    case '':
      return (await import('./welcome.js')).welcomeCommand(context);
    case 'status': {
      const flags = {
        ...select,
        hosts: given.args,
        conf: several(options.conf),
        why: isOn(options.why),
        watch: isOn(options.watch),
        save: text(options.save),
      };
      return (await import('./status.js')).statusCommand(flags, context);
    }
    case 'audit':
      return (await import('./audit.js')).auditCommand(auditFlags(given, select), context);
    case 'doctor':
      return (await import('./doctor.js')).doctorCommand(
        { hosts: given.args, sudoers: isOn(options.sudoers) },
        context,
      );
    case 'recover':
      return (await import('./recover.js')).recoverCommand(
        { ...choices(given, select), hosts: given.args, conf: several(options.conf) },
        context,
      );
    case 'rejoin':
      return (await import('./rejoin.js')).rejoinCommand({ ...choices(given, select), host: word ?? '' }, context);
    case 'resume':
    case 'undo': {
      const flags = {
        ...select,
        run: word,
        yes: isOn(options.yes),
        step: isOn(options.step),
        wait: text(options.wait),
        takeOver: isOn(options.takeOver),
      };
      if (given.command === 'undo') return (await import('./undo.js')).undoCommand(flags, context);
      return (await import('./resume.js')).resumeCommand(flags, context);
    }
    case 'plan':
      return (await import('./plan.js')).planCommand({ ...choices(given, select), runbook: word }, context);
    case 'apply':
      return (await import('./apply.js')).applyCommand(word ?? '', choices(given, select), context);
    case 'runbook':
      return (await import('./runbook.js')).runbookCommand(
        { ...select, sub: oneOf(sub, ['list', 'show', 'check']), name: word, markdown: isOn(options.markdown) },
        context,
      );
    case 'history':
      return (await import('./history.js')).historyCommand(
        { ...select, sub: oneOf(sub, ['list', 'show']), run: word, follow: isOn(options.follow) },
        context,
      );
    case 'handover':
      return (await import('./handover.js')).handoverCommand(
        { ...select, run: word, to: text(options.to), note: text(options.note) },
        context,
      );
    case 'unlock':
      return (await import('./unlock.js')).unlockCommand({ ...select, run: word ?? '' }, context);
    case 'clean':
      return (await import('./clean.js')).cleanCommand(
        {
          ...select,
          run: word,
          apply: isOn(options.apply),
          compared: several(options.compared),
          reason: text(options.reason),
        },
        context,
      );
    case 'salvage':
      return (await import('./salvage.js')).salvageCommand(
        {
          sub: oneOf(sub, ['list', 'show', 'collect', 'apply']),
          run: word,
          only: text(options.only),
          keys: isOn(options.keys),
          dryRun: isOn(options.dryRun),
          yes: isOn(options.yes),
        },
        context,
      );
    case 'report':
      return (await import('./report.js')).reportCommand({ ...select, run: word }, context);
    case 'explain':
      return (await import('./explain.js')).explainCommand({ word: word ?? '' }, context);
    case 'backup': {
      const { backupFlagsOf } = await import('./backup/flags.js');
      const { backupCommand } = await import('./backup/backup.js');
      return backupCommand(backupFlagsOf(sub ?? '', given.args, options, select), context);
    }
    case 'lab':
      if (sub === 'demo') return (await import('./demo.js')).demoCommand(options, context);
      return runLab(given, context);
    case 'init': {
      const flags = { hosts: given.args, conf: several(options.conf), out: text(options.out) };
      return (await import('./init.js')).initCommand(flags, context);
    }
    case 'schema':
      return (await import('./schema.js')).schemaCommand(context);
    case 'completion':
      context.stdout((await import('./completion.js')).completionScript(word ?? ''));
      return 0;
    default:
      throw new Error(`the command ${given.command} is in the table and runs nothing`);
  }
}

async function runLab({ sub, args, options }: Given, context: Context): Promise<number> {
  const { labCommand } = await import('./lab.js');
  return labCommand(sub ?? '', args, options, (line) => context.stdout(`${line}\n`));
}

function choices(given: Given, select: SelectFlags): Omit<RecoverFlags, 'hosts' | 'conf'> & Omit<PlanFlags, 'runbook'> {
  const { options } = given;
  return {
    ...select,
    dryRun: isOn(options.dryRun),
    yes: isOn(options.yes),
    step: isOn(options.step),
    path: text(options.path),
    promote: text(options.promote),
    setAside: several(options.setAside),
    acceptLoss: text(options.acceptLoss),
    without: several(options.without),
    hostIsOff: several(options.hostIsOff),
    reason: text(options.reason),
    out: text(options.out),
    markdown: isOn(options.markdown),
    wait: text(options.wait),
    detach: isOn(options.detach),
    takeOver: text(options.takeOverFrom),
  };
}

function auditFlags({ args, options, fleet }: Given, select: SelectFlags): AuditFlags {
  return {
    ...select,
    fleet,
    paths: args,
    target: text(options.target),
    failOn: oneOf(text(options.failOn), ['error', 'warning', 'info']),
    strict: isOn(options.strict),
    confirm: isOn(options.confirm),
    policy: text(options.policy),
    profile: text(options.profile),
    baseline: text(options.baseline),
    format: oneOf(text(options.format), ['table', 'json', 'markdown']),
    listRules: isOn(options.listRules),
  };
}

function isOn(value: unknown): boolean {
  return value === true;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function several(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function oneOf<T extends string>(value: string | undefined, known: readonly [T, ...T[]]): T {
  return known.find((one) => one === value) ?? known[0];
}
