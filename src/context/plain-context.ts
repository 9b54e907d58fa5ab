import type { ParsedContext } from '../contract/context.js';
import { isBounded } from '../contract/fields/bounded-value.js';
import { isObject } from '../contract/fields/user-fields.js';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isHandedOn: Check = (value) => isObject(value) && isBounded(value);

const CALLER: ReadonlySet<string> = new Set(['user_id', 'email', 'name']);
const ORGANIZATION: ReadonlySet<string> = new Set(['id', 'name']);

/** Texts under these names, and nothing else. */
function hasTexts(value: unknown, names: ReadonlySet<string>): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  for (const name of Object.keys(value))
    if (!names.has(name) || (value[name] !== null && !isText(value[name]))) return false;
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
  ['caller', (value) => hasTexts(value, CALLER)],
  ['organization', (value) => hasTexts(value, ORGANIZATION) && isText(value['id'])],
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
