/** What was seen of one quantity: at which hour, and how much. */
export interface Sample {
  hours: number;
  value: number;
}

/** How fast a quantity grows. */
export interface Slope {
  /** Least squares. */
  perHour: number;
  /** It grows at least this fast, with a confidence of 99 %. */
  atLeastPerHour: number;
}

/** Of the standard normal distribution: 99 % lie below. */
const NORMAL_99 = 2.326;
const LEAST_SAMPLES = 10;

/**
 * The slope of a line through the samples by least squares, with a lower confidence bound. Neighbours are alike (a heap
 * grows until it is collected), which makes a slope look more certain than it is: the standard error is widened by what
 * the residuals have in common with their neighbours, as of an AR(1) process (Bartlett 1935; Santer et al. 2000,
 * doi:10.1029/1999JD901105).
 * @param samples at equal distances, after the warm-up
 * @throws {Error} when there are too few to say anything
 */
export function slopeOf(samples: readonly Sample[]): Slope {
  const n = samples.length;
  if (n < LEAST_SAMPLES) throw new Error(`${n} samples say nothing of a slope`);
  const meanX = mean(samples.map(({ hours }) => hours));
  const meanY = mean(samples.map(({ value }) => value));
  const spreadX = sum(samples.map(({ hours }) => (hours - meanX) ** 2));
  const perHour = sum(samples.map(({ hours, value }) => (hours - meanX) * (value - meanY))) / spreadX;
  const residuals = samples.map(({ hours, value }) => value - meanY - perHour * (hours - meanX));
  const squares = sum(residuals.map((residual) => residual ** 2));
  if (squares === 0) return { perHour, atLeastPerHour: perHour };
  const lagged = sum(residuals.slice(1).map((residual, index) => residual * residuals[index]!));
  const alike = Math.min(Math.max(lagged / squares, 0), 0.99);
  const independent = Math.max((n * (1 - alike)) / (1 + alike), 3);
  const error = Math.sqrt(squares / (independent - 2) / spreadX);
  return { perHour, atLeastPerHour: perHour - studentQuantile(independent - 2) * error };
}

/** 99 % of Student's t distribution lie below: Abramowitz and Stegun, 26.7.5. */
function studentQuantile(freedom: number): number {
  const z = NORMAL_99;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
