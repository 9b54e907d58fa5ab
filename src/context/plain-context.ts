import type { ParsedContext } from '../contract/context.js';
import { isBounded } from '../contract/fields/bounded-value.js';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isHandedOn: Check = (value) => isObject(value) && isBounded(value);

const NAMED: ReadonlySet<string> = new Set(['user_id', 'email', 'name', 'id']);

/** Texts under names that the schema knows, and nothing else. */
function isNamed(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  for (const name of Object.keys(value))
    if (!NAMED.has(name) || (value[name] !== null && !isText(value[name]))) return false;
  return true;
}

/** The fields that most contexts have, and the form that most of them have it in. */
const PLAIN: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['execution_id', isText],
  ['workflow_id', isText],
  ['workflow_code', isText],
  ['file_path', isText],
  ['function_name', (value) => typeof value === 'string' && /^[A-Za-z_$][\w$]*$/.test(value)],
  ['name', isText],
  ['parameters', isHandedOn],
  ['config', isHandedOn],
  ['startup', isHandedOn],
  ['event', isHandedOn],
  ['caller', (value) => isNamed(value) && !('id' in value)],
  [
    'organization',
    (value) => isNamed(value) && isText(value['id']) && !('user_id' in value || 'email' in value),
  ],
  ['timeout_seconds', (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY],
  ['sync', (value) => typeof value === 'boolean'],
]);

/**
 * Whether it is a context as most are: known fields in their usual form. Never true of what the schema of contexts would
 * refuse or change; false says nothing.
 */
export function isPlainContext(value: unknown): value is ParsedContext {
  if (!isObject(value)) return false;
  for (const name of Object.keys(value)) {
    const check = PLAIN.get(name);
    if (check === undefined || (value[name] !== null && !check(value[name]))) return false;
  }
  return typeof value['workflow_code'] === 'string' || typeof value['file_path'] === 'string';
}
