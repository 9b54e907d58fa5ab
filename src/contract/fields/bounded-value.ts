import { shapeOfValue } from '../../lib/json-shape.js';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from '../value-limits.js';

const LIMITS = { depth: VALUE_DEPTH_LIMIT, keys: VALUE_KEYS_LIMIT };

/** Whether a parsed JSON value is within the limits of values. */
export function isBounded(value: unknown): boolean {
  const { depth, keys } = shapeOfValue(value, LIMITS);
  return depth <= VALUE_DEPTH_LIMIT && keys <= VALUE_KEYS_LIMIT;
}
