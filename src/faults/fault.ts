/** What a fault may draw, and how long it rests: less when the campaign is over. */
export interface Chance {
  /** A number from 0 to below 1 that the seed of the campaign decides. */
  random: () => number;
  /** Resolves after this many milliseconds, or as soon as the campaign is over. */
  rest: (ms: number) => Promise<void>;
}

/** Makes a fault and resolves when it is over. */
export type MakeFault = (chance: Chance) => Promise<void>;

/** Faults by their names. */
export type Faults = Readonly<Record<string, MakeFault>>;
