import { inspectValue, text } from '../channel/primordials.js';
import { explainRefusal } from './refusal-words.js';
import { INSPECTED } from './error-report.js';
import { withWrittenPlace } from './linked-place.js';
import { userFramesOf } from './user-frames.js';

/** What Node prints of an error that ends a program, without the line of code, which is in the stack. Never throws. */
export function printedError(thrown: unknown): string {
  try {
    const shown = isPlain(thrown)
      ? text(thrown)
      : userFramesOf(withWrittenPlace(inspectValue(thrown, INSPECTED)));
    return `${explainRefusal(shown)}\n\nNode.js ${process.version}\n`;
  } catch {
    return 'Uncaught error that cannot be read\n';
  }
}

/** What Node prints as its text; of a bigint without the `n`, of -0 without the sign. */
const isPlain = (thrown: unknown): boolean =>
  typeof thrown === 'string' || typeof thrown === 'number' || typeof thrown === 'bigint';
