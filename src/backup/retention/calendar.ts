import type { CalendarSpan, KeepBucket } from '../../model/retention.js';

/** Reads `2y5m7d3h`; undefined when it is no span, or an empty one. */
export function parseSpan(text: string): CalendarSpan | undefined {
  const found = /^(?:(\d{1,4})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$/.exec(text);
  if (found === null || text === '') return undefined;
  const [years, months, days, hours] = found.slice(1).map((part) => Number(part ?? 0));
  return { years: years ?? 0, months: months ?? 0, days: days ?? 0, hours: hours ?? 0 };
}

/** The instant this span before another, by the calendar in UTC; a day that the month does not have becomes its last. */
export function spanBefore(at: Date, { years, months, days, hours }: CalendarSpan): Date {
  const date = new Date(at);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() - months - 12 * years);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last) - days);
  return new Date(date.getTime() - hours * 3_600_000);
}

/** Gives each instant the name of its hour, day, week (ISO 8601), month or year in a time zone. */
export function bucketsIn(timeZone: string): (at: Date, bucket: KeepBucket) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    timeZoneName: 'longOffset',
  });
  return (at, bucket) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const [year, month, day] = ['year', 'month', 'day'].map((part) => parts.get(part as 'year') ?? '');
    switch (bucket) {
      case 'yearly':
        return `${year}`;
      case 'monthly':
        return `${year}-${month}`;
      case 'weekly':
        return isoWeek(Number(year), Number(month), Number(day));
      case 'daily':
        return `${year}-${month}-${day}`;
      case 'hourly':
        // With the offset: the hour that comes twice when summer time ends is two hours.
        return `${year}-${month}-${day}T${parts.get('hour')}${parts.get('timeZoneName')}`;
    }
  };
}

/** ISO 8601: weeks begin on Monday, and belong to the year of their Thursday. */
function isoWeek(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  const week = Math.ceil(((date.getTime() - first) / 86_400_000 + 1) / 7);
  return `${date.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
