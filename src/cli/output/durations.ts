const UNITS: readonly [name: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** How long something took: `12 ms`, `1.5 s`, `3.2 min`. */
export function readableMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? inSeconds(ms) : `${(ms / 60_000).toFixed(1)} min`;
}

/** A length of time that is compared with others of its kind, always in seconds: `0.5 s`, `61 s`. */
export function readableSeconds(ms: number): string {
  return ms < 10_000 ? inSeconds(ms) : `${(ms / 1000).toFixed(0)} s`;
}

/** For how long something is there, in its two largest units: `2h 5m`. A clock that is slower than the other gives 0s. */
export function readableAge(ms: number): string {
  if (Number.isNaN(ms)) return '?';
  let rest = Math.max(0, Math.floor(ms / 1000));
  const fitting = UNITS.filter(([name, seconds]) => rest >= seconds || name === 's');
  const parts = fitting.slice(0, 2).map(([name, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    return `${count}${name}`;
  });
  return parts.join(' ');
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
