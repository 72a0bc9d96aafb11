import type { Diagnosis, Finding } from '../model/diagnosis.js';
import { toJson } from '../model/json.js';
import type { GroupSurvey, HostSurvey, Survey } from '../model/survey.js';
import { printable, printableProse } from './escape.js';
import { paint, proseWidth, twoColumns, wrap } from './layout.js';
import { fleetFlag, type NextCommand, nextLines } from './next-lines.js';
import { dateAndTime, duration, listed } from './quantities.js';
import { redisTable } from './redis-table.js';
import { said } from './said.js';
import { sentinelTable } from './sentinel-table.js';
import { renderWhy } from './why-text.js';

export interface StatusOptions {
  readonly width: number;
  readonly colour: boolean;
  /** The evidence instead of the tables. */
  readonly why: boolean;
  /** The fleet file as given; pasted commands repeat it unless it is the one found anyway. */
  readonly fleetFile?: string;
  /** What was typed for the search that made the fleet file; pasted commands search again. */
  readonly foundFrom?: string;
  /** Minutes that the operator's clock is ahead of UTC; 0 when left out. */
  readonly utcOffsetMinutes?: number;
  /** Evidence with the lines themselves, notes among the findings. */
  readonly verbose?: boolean;
}

/**
 * One screen about one group: what is true in sentences, the tables of redis and sentinel nodes, what could not be
 * seen, and the next commands. At most `options.width` columns, prose at most 80, ASCII but for the fleet's own name.
 * The diagnosis must be of a group of the survey; a group that the survey lacks shows its headline alone.
 */
export function renderStatus(survey: Survey, diagnosis: Diagnosis, options: StatusOptions): string {
  if (options.why) return renderWhy(survey, diagnosis, options);
  const group = survey.groups[diagnosis.group];
  const blocks = [
    headlineLines(diagnosis, options),
    headerLines(survey, diagnosis, options),
    group ? redisTable(survey, group, diagnosis, options) : [],
    group ? sentinelTable(survey, group, options) : [],
    lonelyHostLines(survey, group, options),
    noticeLines(survey, group, diagnosis, options),
    nextLines(nextCommands(diagnosis, options), options.width),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** The status as one JSON document, `redis-runbook/status/1`; `found` is how the fleet was found, where it was. */
export function renderStatusJson(survey: Survey, diagnosis: Diagnosis, found?: object): string {
  const document = { schema: 'redis-runbook/status/1', ...(found === undefined ? {} : { found }), survey, diagnosis };
  return `${toJson(document, 2)}\n`;
}

/** The sentences of the verdict as prose, in the look of a verdict. */
export function headlineLines(diagnosis: Diagnosis, options: { width: number; colour: boolean }): string[] {
  const text = diagnosis.headline.map((each) => said(each, diagnosis)).join(' ');
  return wrap(text, options.width).map((line) => paint('verdict', line, options.colour));
}

function headerLines(survey: Survey, diagnosis: Diagnosis, options: StatusOptions): string[] {
  const answered = survey.hosts.filter((host) => host.reached.ok);
  const silent = survey.hosts.filter((host) => !host.reached.ok);
  const name = `${printableProse(survey.fleet)} / ${printable(diagnosis.group)}`;
  const took = duration(Math.max(0, ...(answered.length > 0 ? answered : survey.hosts).map((host) => host.elapsedMs)));
  const when = dateAndTime(Date.parse(survey.at), options.utcOffsetMinutes ?? 0);
  const counts = `${answered.length} of ${survey.hosts.length} hosts answered`;
  return [...twoColumns(name, when, options), ...twoColumns(counts, `${took}${waitedFor(silent)}`, options)];
}

function waitedFor(silent: readonly HostSurvey[]): string {
  if (silent.length === 0) return '';
  const longest = Math.max(...silent.map((host) => host.elapsedMs));
  const names = silent.length > 2 ? `${silent.length} hosts` : listed(silent.map((host) => printable(host.host)));
  return `, and ${duration(longest)} waiting for ${names}`;
}

/** Hosts that did not answer and stand in no table of this group. */
function lonelyHostLines(survey: Survey, group: GroupSurvey | undefined, options: StatusOptions): string[] {
  const shown = new Set([...(group?.redis ?? []), ...(group?.sentinels ?? [])].map((node) => node.host));
  return survey.hosts
    .filter((host) => !host.reached.ok && !shown.has(host.host))
    .flatMap((host) => {
      const why = host.reached.ok ? '' : host.reached.detail;
      const text = `${printable(host.host)} did not answer: ${printable(why)}`;
      return signed('?', text, options);
    });
}

function noticeLines(
  survey: Survey,
  group: GroupSurvey | undefined,
  diagnosis: Diagnosis,
  options: StatusOptions,
): string[] {
  const shown = diagnosis.findings.filter((finding) => options.verbose || finding.severity !== 'note');
  return [
    ...lockLines(survey, options),
    ...heldLines(group, options),
    ...shown.flatMap((finding) => findingLines(finding, diagnosis, options)),
  ];
}

function findingLines(finding: Finding, diagnosis: Diagnosis, options: StatusOptions): string[] {
  const sign = finding.severity === 'error' ? 'x' : finding.severity === 'warning' ? '!' : '-';
  const says = said(finding.says, diagnosis);
  const unsaid = finding.nodes.map(printable).filter((node) => !says.includes(node));
  const nodes = unsaid.length > 0 ? `${unsaid.join(' ')}: ` : '';
  const blocks = finding.blocks ? ' (blocks any recovery)' : '';
  return signed(sign, `${nodes}${says}${blocks}`, options, `${printable(finding.id)}  `);
}

function signed(sign: 'x' | '!' | '?' | '-', text: string, options: StatusOptions, title = ''): string[] {
  const role = { x: 'danger', '!': 'warn', '?': 'unknown', '-': 'quiet' } as const;
  const [first = '', ...rest] = wrap(text, Math.min(options.width, proseWidth) - 2, title, '  ');
  return [`${paint(role[sign], sign, options.colour)} ${first}`, ...rest.map((line) => `  ${line}`)];
}

function lockLines(survey: Survey, options: StatusOptions): string[] {
  const holders = survey.hosts.flatMap((host) => (host.lock.ok ? [{ host: host.host, lock: host.lock.value }] : []));
  const runs = [...new Set(holders.map(({ lock }) => lock.run))];
  return runs.flatMap((run) => {
    const hosts = holders.filter(({ lock }) => lock.run === run);
    const lock = hosts[0]?.lock;
    const doing = lock ? `, ${printable(lock.who)}, ${printable(lock.doing)}` : '';
    return signed(
      '!',
      `locked by run ${printable(run)}${doing} (on ${hosts.map((each) => printable(each.host)).join(' ')})`,
      options,
    );
  });
}

function heldLines(group: GroupSurvey | undefined, options: StatusOptions): string[] {
  const nodes = [...(group?.redis ?? []), ...(group?.sentinels ?? [])];
  const held = nodes.flatMap((node) =>
    node.held.ok && node.held.value ? [{ node: node.node, run: node.held.value.run }] : [],
  );
  return [...new Set(held.map(({ run }) => run))].flatMap((run) => {
    const names = held.filter((each) => each.run === run).map((each) => printable(each.node));
    return signed('!', `held by run ${printable(run)}, cannot start by themselves: ${names.join(' ')}`, options);
  });
}

function nextCommands(diagnosis: Diagnosis, options: StatusOptions): NextCommand[] {
  const flag = fleetFlag(options.fleetFile);
  const at = options.foundFrom === undefined ? flag : ` ${printable(options.foundFrom)}`;
  const why = { command: `redis-runbook status --why${at}`, says: 'the evidence for every sentence above' };
  const advised = diagnosis.findings.flatMap((finding) =>
    finding.next && finding.severity !== 'note'
      ? [
          {
            command: printable(finding.next).replace(/^redis-runbook \w+ \S+(?=$| {2})/, (command) => command + flag),
            says: `for ${printable(finding.id)}`,
          },
        ]
      : [],
  );
  if (diagnosis.state === 'healthy') return advised;
  const again = { command: `redis-runbook status${at}`, says: 'looks again; changes nothing' };
  if (diagnosis.state === 'sentinel-at-work' || diagnosis.state === 'unknown') return [again, ...advised, why];
  const recover = {
    command: `redis-runbook recover${at}`,
    says: 'decides and repairs with you; asks before changes',
  };
  return [diagnosis.path.recommended === 'nothing' ? again : recover, ...advised, why];
}
