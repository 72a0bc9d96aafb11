import type { ClientsAt, NodeClients, StillThere } from '../model/still-there.js';
import { printable } from './escape.js';
import { paint, wrap } from './layout.js';
import { count, grouped } from './quantities.js';

/** More addresses than this are counted, not listed. */
const MOST_ADDRESSES = 8;

/** Who is connected to each running node, and what happens to them when nothing is done: lines of at most `width` columns. */
export function stillThereLines(
  there: StillThere,
  look: { readonly width: number; readonly colour: boolean },
): string[] {
  const title = paint('verdict', 'STILL CONNECTED', look.colour);
  return [
    `${title} (two looks, ${there.betweenMs / 1000} s apart; without replicas and sentinels)`,
    ...there.nodes.flatMap((node) => nodeLines(node, look.width)),
  ];
}

function nodeLines(node: NodeClients, width: number): string[] {
  const name = `${printable(node.node)} (${node.role})`;
  if (node.notSeen !== undefined) return wrap(`not known: ${printable(node.notSeen)}`, width, `  ${name}  `, '    ');
  if (node.clients.length === 0) return [`  ${name}  no client${busy(node)}`];
  const connections = node.clients.reduce((sum, each) => sum + each.connections, 0);
  const shown = node.clients.slice(0, MOST_ADDRESSES);
  const more = node.clients.length - shown.length;
  return [
    ...wrap(
      `${count(connections, 'connection')} from ${count(node.clients.length, 'address', 'addresses')}${busy(node)}`,
      width,
      `  ${name}  `,
      '    ',
    ),
    ...shown.flatMap((each) => wrap(addressText(each), width, `    ${printable(each.address)}  `, '      ')),
    ...(more > 0 ? [`    and ${count(more, 'more address', 'more addresses')}`] : []),
    ...wrap(`If nothing is done: ${printable(node.otherwise)}.`, width, '    ', '    '),
  ];
}

/** Clients may connect anew for each command: the counters tell more than who happens to be there. */
function busy({ commandsPerSecond: commands, writesPerSecond: writes }: NodeClients): string {
  if (commands === undefined || writes === undefined) return '';
  if (commands === 0) return ', idle';
  return `, ${grouped(commands)} commands/s, ${grouped(writes)} of them writes`;
}

function addressText({ connections, writing, commands, perSecond }: ClientsAt): string {
  const rate = perSecond === undefined ? [] : [`${grouped(perSecond)} commands/s`];
  const last = commands.length === 0 ? [] : [`last ${commands.map(printable).join(', ')}`];
  const writes = writing === 0 ? [] : [writing === connections ? 'writing' : `${writing} of them writing`];
  return [count(connections, 'connection'), ...writes, ...last, ...rate].join(', ');
}
