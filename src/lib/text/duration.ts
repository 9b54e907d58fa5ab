const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * A length of time for people, the same on the command line and in the console: `12 ms`, `3.4 s`, `2 m 05 s`,
 * `3 h 12 m`, `4 d 2 h`. A negative one, of two clocks that disagree, is `0 ms`; one that is not known is `–`.
 */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return '–';
  if (ms < 0) return '0 ms';
  if (ms < SECOND_MS) return `${ms < 10 ? rounded(ms, 1) : Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${rounded(ms / SECOND_MS, ms < 10 * SECOND_MS ? 2 : 1)} s`;
  if (ms < HOUR_MS)
    return `${Math.floor(ms / MINUTE_MS)} m ${twoDigits(Math.floor((ms % MINUTE_MS) / SECOND_MS))} s`;
  if (ms < DAY_MS)
    return `${Math.floor(ms / HOUR_MS)} h ${twoDigits(Math.floor((ms % HOUR_MS) / MINUTE_MS))} m`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / HOUR_MS)} h`;
}

const UNITS = [
  [DAY_MS, 'd'],
  [HOUR_MS, 'h'],
  [MINUTE_MS, 'min'],
  [SECOND_MS, 's'],
] as const;
/** More of one unit is read as an amount, and no more as a length of time. */
const MOST_OF_ONE = 120;

/**
 * A length of time that repeats, exact: in one unit where one fits (`15 min`, `1 h`, `2 d`), below a minute as
 * {@link duration}, else in parts: `1 d 3 h 46 min 40 s`.
 */
export function period(ms: number): string {
  const whole = UNITS.find(([unitMs]) => ms >= unitMs && ms % unitMs === 0);
  if (whole && (ms / whole[0] <= MOST_OF_ONE || whole[0] === DAY_MS)) return `${ms / whole[0]} ${whole[1]}`;
  if (ms < MINUTE_MS) return duration(ms);
  let rest = ms;
  const parts = UNITS.flatMap(([unitMs, name]) => {
    // The milliseconds stay with the seconds.
    const amount = unitMs === SECOND_MS ? rest / SECOND_MS : Math.floor(rest / unitMs);
    rest -= amount * unitMs;
    return amount === 0 ? [] : [`${amount} ${name}`];
  });
  return parts.join(' ');
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
const rounded = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
