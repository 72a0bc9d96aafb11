/** `1 204 877`: groups of three, parted by blanks, for screens; never for anything to paste. */
export function grouped(value: bigint | number | string): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

/** `1 byte`, `417 808 bytes`. */
export function bytes(value: bigint | number): string {
  return `${grouped(value)} ${BigInt(value) === 1n ? 'byte' : 'bytes'}`;
}

/** A size for people, MB = 10^6: `87 bytes`, `12 KB`, `405 MB`, `1.2 GB`. */
export function size(value: bigint | number): string {
  const count = Number(value);
  if (count < 1000) return bytes(value);
  const steps = [
    [1e3, 'KB'],
    [1e6, 'MB'],
    [1e9, 'GB'],
    [1e12, 'TB'],
  ] as const;
  const [unit, name] = steps.findLast(([step]) => count >= step) ?? steps[0];
  const shown = count / unit;
  return `${shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${name}`;
}

/** A duration in milliseconds for people: `0.4 s`, `28 s`, `54 min 28 s`, `5 h 50 min`, `6 d 3 h`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(seconds / 3600);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** An age for people who think in hours: `54 min`, `26 h 04 min`, `24 h`; from three days on `6 d 3 h`. */
export function age(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return duration(milliseconds);
  if (minutes < 60) return `${minutes} min`;
  if (minutes >= 72 * 60) return duration(milliseconds);
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${String(rest).padStart(2, '0')} min`;
}

function two(large: number, largeName: string, small: number, smallName: string): string {
  return small === 0 ? `${large} ${largeName}` : `${large} ${largeName} ${small} ${smallName}`;
}

/** An instant in the operator's zone, `02:07:44`; with the day, `20 Nov 02:07:44`, when it is not the day of `today`. */
export function clockTime(atMs: number, utcOffsetMinutes: number, todayMs: number): string {
  const local = new Date(atMs + utcOffsetMinutes * 60_000);
  const today = new Date(todayMs + utcOffsetMinutes * 60_000);
  const time = local.toISOString().slice(11, 19);
  if (local.toISOString().slice(0, 10) === today.toISOString().slice(0, 10)) return time;
  return `${local.getUTCDate()} ${months[local.getUTCMonth()]} ${time}`;
}

/** An instant with its day, `20 Nov 02:07:44`; `20 Nov 2025 02:07` when it is of another year than `today`. */
export function dayAndTime(atMs: number, utcOffsetMinutes: number, todayMs: number): string {
  const local = new Date(atMs + utcOffsetMinutes * 60_000);
  if (Number.isNaN(local.getTime())) return 'time unknown';
  const day = `${local.getUTCDate()} ${months[local.getUTCMonth()]}`;
  const time = local.toISOString().slice(11, 19);
  const sameYear = new Date(todayMs + utcOffsetMinutes * 60_000).getUTCFullYear() === local.getUTCFullYear();
  return sameYear ? `${day} ${time}` : `${day} ${local.getUTCFullYear()} ${time.slice(0, 5)}`;
}

/** `+09`, `+05:30`: an offset for the head of a column. */
export function shortZone(minutes: number): string {
  return zone(minutes).replace(/:00$/, '');
}

/** `Sat 21 Nov 2026 02:31:08 +09:00`: the one place of a screen that names the zone. */
export function dateAndTime(atMs: number, utcOffsetMinutes: number): string {
  const local = new Date(atMs + utcOffsetMinutes * 60_000);
  if (Number.isNaN(local.getTime())) return 'time unknown';
  const date = `${days[local.getUTCDay()]} ${local.getUTCDate()} ${months[local.getUTCMonth()]} ${local.getUTCFullYear()}`;
  return `${date} ${local.toISOString().slice(11, 19)} ${zone(utcOffsetMinutes)}`;
}

function zone(minutes: number): string {
  const absolute = Math.abs(minutes);
  const pair = (value: number) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${pair(Math.floor(absolute / 60))}:${pair(absolute % 60)}`;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `1 host`, `3 hosts`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}

/** `pv1`, `pv1 and pv2`, `pv1, pv2 and pv3`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
