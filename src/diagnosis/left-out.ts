import type { Finding } from '../model/diagnosis.js';
import { type LeftOutHost, openLeftOut } from '../model/left-out.js';
import type { Survey } from '../model/survey.js';

/** What is open in the notes of all hosts that were looked at, for one group. */
export function leftOutIn(survey: Survey, group: string): readonly LeftOutHost[] {
  return openLeftOut(survey.hosts.flatMap((host) => (host.leftOut.ok ? [host.leftOut.value] : []))).filter(
    (one) => one.group === group,
  );
}

/** A host that a run left out stays something to do until it was rejoined, whatever it looks like meanwhile. */
export function leftOutFindings(leftOut: readonly LeftOutHost[], survey: Survey): readonly Finding[] {
  return leftOut.map((one) => {
    const isBack = survey.hosts.some(({ host, reached }) => host === one.host && reached.ok);
    const reason = one.reason === undefined ? '' : ` Reason: ${one.reason}.`;
    return {
      id: 'left-out',
      severity: 'warning',
      nodes: [one.host],
      says:
        `run ${one.run} left ${one.host} out on ${day(one.since)} (${one.why}); nothing on it may start or be trusted ` +
        `before it was rejoined.${reason}`,
      blocks: false,
      next: isBack
        ? `redis-runbook rejoin ${one.host}`
        : `when ${one.host} is in reach: redis-runbook rejoin ${one.host}`,
    };
  });
}

/** That a host which was left out is out of reach is no news; what it may hold was given up then. */
export function saidOfLeftOut(finding: Finding, leftOut: readonly LeftOutHost[]): Finding {
  const one = leftOut.find(({ host }) => finding.nodes.length === 1 && finding.nodes[0] === host);
  if (!one || !/^(?:redis|sentinel)-host-unreachable$/.test(finding.id)) return finding;
  const { next: _next, ...rest } = finding;
  return { ...rest, severity: 'note', says: `${one.host} is still out of reach; run ${one.run} left it out` };
}

function day(iso: string): string {
  return `${iso.slice(0, 10)} at ${iso.slice(11, 16)} UTC`;
}
