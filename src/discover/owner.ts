import type { MachineFound, Place, Visit } from '../model/found.js';
import { known } from '../model/seen.js';

/** Whether the address is one of the machine that uses it: another machine's `127.0.0.1` is another machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Addresses that name no machine: nobody is to be called there. */
export function isNoMachine(host: string): boolean {
  return /^(0\.|22[4-9]\.|23\d\.|24\d\.|25[0-5]\.)/.test(host) || host === '::' || /^ff[0-9a-f]{2}:/i.test(host);
}

/**
 * The visit that a place belongs to, when `claimer` names it; undefined when nobody went there yet. Loopback addresses
 * are the claimer's own machine, but for machines that were themselves reached at one: a lab has one for each of its own.
 */
export function ownerOf(place: Pick<Place, 'host'>, claimer: Visit, visits: readonly Visit[]): Visit | undefined {
  const { host } = place;
  if (isLoopback(host)) {
    const isLab = /^127\./.test(claimer.address) && claimer.address !== '127.0.0.1';
    if (!isLab || host === 'localhost' || host === '::1') return claimer;
    return visits.find(({ address }) => address === host);
  }
  return visits.find((visit) => visit.address === host || visit.name === host || ownAddresses(visit).includes(host));
}

function ownAddresses(visit: Visit): readonly string[] {
  return machineOf(visit)?.addresses ?? [];
}

/** What the machine holds; undefined when it was not entered. */
export function machineOf(visit: Visit): MachineFound | undefined {
  return known(visit.seen);
}
