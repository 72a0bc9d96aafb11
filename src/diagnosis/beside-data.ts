import type { Evidence } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey, RedisSurvey } from '../model/survey.js';
import { short } from './names.js';
import { addressOf } from './state.js';

type Unnumbered = Omit<Evidence, 'id'>;

/** What speaks of a node's data beside its own answer and files: what a sentinel last heard of it, and what a cut-off save left. */
export function besideData(node: RedisSurvey, group: GroupSurvey): readonly Unnumbered[] {
  return [...heardOf(node, group), ...electedOf(node, group), ...leftOver(node)];
}

/** The last line of a sentinel's log that makes the node master: `+switch-master` of the one that led, or took it over. */
function electedOf(node: RedisSurvey, group: GroupSurvey): readonly Unnumbered[] {
  const elections = group.sentinels.flatMap((sentinel) =>
    (known(sentinel.log) ?? []).flatMap((event) => {
      if (event.kind !== 'switch-master' || event.group !== group.group || event.to !== addressOf(node)) return [];
      const from = { host: sentinel.host, node: sentinel.node, source: `${event.at.file}:${event.at.line}` };
      const old = group.redis.find((each) => addressOf(each) === event.from)?.node ?? event.from;
      const clock = /\d\d:\d\d:\d\d/.exec(event.at.local ?? '')?.[0] ?? `line ${event.at.line}`;
      const says = `${node.node} was elected in place of ${old}`;
      return [{ ms: event.at.localMs ?? 0, from, place: `sentinel log ${clock}`, says, raw: event.at.text }];
    }),
  );
  const [last] = elections.sort((a, b) => b.ms - a.ms);
  if (last === undefined) return [];
  const { ms: _ms, ...evidence } = last;
  return [evidence];
}

/** The newest INFO that any sentinel kept of a master that does not answer: it had got that far at least. */
function heardOf(node: RedisSurvey, group: GroupSurvey): readonly Unnumbered[] {
  if (node.running.ok) return [];
  const kept = group.sentinels.flatMap((sentinel) => {
    const view = known(sentinel.view);
    return view?.lastHeard && view.master === addressOf(node) ? [{ sentinel, ...view.lastHeard }] : [];
  });
  const [newest] = kept.sort((a, b) => a.agoMs - b.agoMs);
  if (newest === undefined) return [];
  const { sentinel, agoMs, role, replid, offset } = newest;
  const where = replid === '' ? `offset ${offset}` : `history ${short(replid)}, ${offset}`;
  const says = `${node.node} was ${role} at ${where}, ${(agoMs / 1000).toFixed(1)} s before the look`;
  const from = { host: sentinel.host, node: sentinel.node, source: 'SENTINEL INFO-CACHE' };
  return [{ from, place: 'INFO-CACHE', says }];
}

function leftOver(node: RedisSurvey): readonly Unnumbered[] {
  return (node.leftovers ?? []).map(({ path, stat }) => ({
    from: { host: node.host, node: node.node, source: path },
    place: 'left-over RDB',
    says: `${path.slice(path.lastIndexOf('/') + 1)}, ${stat.sizeBytes} bytes: a save or a copy that was cut off; no server loads it by itself`,
  }));
}

/** How far the clock of a host is from the operator's, where that is more than a second; with a comma before it. */
export function clockOf(host: HostSurvey): string {
  const offset = known(host.clockOffsetMs) ?? 0;
  if (Math.abs(offset) <= 1000) return '';
  return `, its clock ${(Math.abs(offset) / 1000).toFixed(1)} s ${offset > 0 ? 'ahead of' : 'behind'} this machine's`;
}
