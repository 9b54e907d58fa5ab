/**
 * Limits of the JSON values that a result, its variables, the fields of a log entry and the parameters hold.
 * Pure constants: the runner imports this file. Consumers in other languages refuse deeper documents by
 * default: docs/results.md.
 */

/** Objects and arrays within each other. A text or number has depth 0, `[]` has depth 1. */
export const VALUE_DEPTH_LIMIT = 100;
/** Properties of all objects of a value together. */
export const VALUE_KEYS_LIMIT = 250_000;
