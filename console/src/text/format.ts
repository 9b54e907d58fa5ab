const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time: `12 ms`, `3.4 s`, `2 m 05 s`, `3 h 12 m`, `4 d 2 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return '–';
  if (ms < 0) return '0 ms';
  if (ms < SECOND) return `${ms < 10 ? trimmed(ms, 1) : Math.round(ms)} ms`;
  if (ms < MINUTE) return `${trimmed(ms / SECOND, ms < 10 * SECOND ? 2 : 1)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${two(Math.floor((ms % MINUTE) / SECOND))} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))} m`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

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

/** A length of time that repeats, as people say it: `15 min`, `1 h`, `2 d`; else as {@link duration}. */
export function period(ms: number): string {
  for (const [unit, name] of [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ] as const)
    if (ms >= unit && ms % unit === 0) return `${count(ms / unit)} ${name}`;
  return duration(ms);
}

/** Day and time without the zone, in that of the browser: `Sat, 28 Nov, 02:00:00`. */
export const dayTime = (iso: string): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString('en-GB', {
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      });
};

const two = (value: number): string => String(value).padStart(2, '0');
const trimmed = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
