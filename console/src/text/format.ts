export { duration, period } from '../../../src/lib/text/duration.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in one unit: `now`, `12 s ago`, `in 4 min`. */
export function ago(ms: number): string {
  const size = Math.abs(ms);
  if (size < 2 * SECOND) return 'now';
  const text =
    size < MINUTE
      ? `${Math.floor(size / SECOND)} s`
      : size < HOUR
        ? `${Math.floor(size / MINUTE)} min`
        : size < DAY
          ? `${Math.floor(size / HOUR)} h`
          : `${Math.floor(size / DAY)} d`;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** `1,234`. */
export const count = (value: number | null | undefined): string =>
  value == null ? '–' : value.toLocaleString('en-US');

/** `1 job`, `2 jobs`. */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** A time to the millisecond, in the zone of the browser. */
export function clockTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Day and time with the zone, for titles. */
export const fullTime = (iso: string): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
};

export const megabytes = (value: number | null | undefined): string =>
  value == null ? '–' : `${trimmed(value, value < 10 ? 1 : 0)} MB`;

/** `512 B`, `1.2 KB`, `3.4 MB`: in steps of 1,000, as the sizes of files are. */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const [divisor, unit] = value < 1e6 ? [1e3, 'KB'] : value < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  const size = value / divisor;
  return `${trimmed(size, size < 10 ? 1 : 0)} ${unit}`;
}

/**
 * Day and time without the zone, in that of the browser: `Sat 28 Nov, 02:00:00`; with its year where that is not this
 * one. @param nowMs which year this is
 */
export const dayTime = (iso: string, nowMs: number = Date.now()): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString('en-GB', {
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        ...(date.getFullYear() === new Date(nowMs).getFullYear() ? {} : { year: 'numeric' }),
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      });
};

const two = (value: number): string => String(value).padStart(2, '0');
const trimmed = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
