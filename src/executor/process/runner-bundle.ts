import { type ConfinedProgramName, placeProgram } from '../../isolation/confined-program.js';

/** Paths of the bundled entry points of a kind of runner, by name. */
export type RunnerBundles = Readonly<Record<string, string>>;

/** Puts the programs of a kind of runner into `dir`. */
export const bundleRunners = (dir: string, names: readonly ConfinedProgramName[]): RunnerBundles =>
  Object.fromEntries(names.map((name) => [name, placeProgram(name, dir)]));
