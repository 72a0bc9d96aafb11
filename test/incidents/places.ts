/** The group of every night that was written down. */
export const group = 'shop';

/** When the look was made, and the day of every night. */
export const at = '2026-11-20T12:00:00.000Z';
export const day = Date.parse('2026-11-20T00:00:00Z');

/** `pv2` has the address 10.0.10.2. */
export function addressOf(host: string): string {
  const number = Number(/\d+$/.exec(host)?.[0] ?? '9');
  return host.startsWith('pvha') ? `10.0.0.${number}` : `10.0.10.${number}`;
}

/** A replication id of one letter. */
export function id(letter: string): string {
  return letter.charCodeAt(0).toString(16).padStart(2, '0').repeat(20);
}

/** `10:30:00` in seconds of the day. */
export function seconds(time: string): number {
  const [hours = 0, minutes = 0, rest = 0] = time.split(':').map(Number);
  return hours * 3600 + minutes * 60 + rest;
}
