import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may keep the event loop at once. */
const TURN_MS = 3;

/** Carries out work that yields between its steps, and lets the event loop turn after each few milliseconds of it. */
export async function inTurns<Result>(work: Generator<unknown, Result>): Promise<Result> {
  let startedMs = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    if (performance.now() - startedMs < TURN_MS) continue;
    await nextTurn();
    startedMs = performance.now();
  }
}

/** Carries it out at once. */
export function atOnce<Result>(work: Generator<unknown, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
