import type { FieldFault } from '../../boundary/runner-frames.js';
import { text } from '../channel/primordials.js';
import { commonJsOf } from './user-module.js';

/**
 * What we use of a Standard Schema (https://standardschema.dev, version 1): what zod, Valibot, ArkType
 * and others make.
 */
interface StandardSchema {
  '~standard': { version: 1; validate(value: unknown): unknown };
}

interface Issue {
  message: unknown;
  /** Keys, or objects that hold one. */
  path?: readonly unknown[] | undefined;
}

const FAULTS_KEPT = 50;
const TEXT_LIMIT = 1000;
/** The message names this many faults at most. */
const FAULTS_SHOWN = 5;

/** The parameters are not what the workflow says it takes; its code was not called. */
export class ParametersInvalid extends Error {
  override name = 'ParametersInvalid';
  /** The same property that user code may set on its errors: the same parameters fail again. */
  readonly retryable = false;

  constructor(readonly fields: readonly FieldFault[]) {
    const shown = fields.slice(0, FAULTS_SHOWN).map(({ field, message }) => `${field}: ${message}`);
    const more = fields.length > FAULTS_SHOWN ? `; and ${fields.length - FAULTS_SHOWN} more` : '';
    super(`The parameters cannot be used: ${shown.join('; ')}${more}`);
  }
}

/** The schema of a function's parameters: its property `parameters`, else the export of that name. null: none. */
export function schemaOf(called: object, namespace: Record<string, unknown>): StandardSchema | null {
  const own = (called as { parameters?: unknown }).parameters;
  const candidates = [own, namespace['parameters'], commonJsOf(namespace)?.['parameters']];
  return candidates.find(isSchema) ?? null;
}

/**
 * What the function receives: the schema's output, which may differ from what was given.
 * @throws {ParametersInvalid} naming each field; or whatever the schema itself throws.
 */
export async function acceptParameters(
  schema: StandardSchema,
  given: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const outcome = await schema['~standard'].validate(given);
  if (typeof outcome !== 'object' || outcome === null)
    throw new TypeError('"parameters" is no Standard Schema: its validate() returned no result object');
  const { issues, value } = outcome as { issues?: readonly Issue[]; value: Record<string, unknown> };
  if (issues === undefined) return value;
  const faults = Array.from(issues).slice(0, FAULTS_KEPT).map(faultOf);
  throw new ParametersInvalid(faults.length > 0 ? faults : [{ field: WHOLE, message: 'cannot be used' }]);
}

/** Names the document as a whole. */
const WHOLE = 'parameters';

function isSchema(value: unknown): value is StandardSchema {
  // Some libraries make schemas that can be called.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}

function faultOf({ path = [], message }: Issue): FieldFault {
  const keys = Array.from(path).map((step) =>
    text(typeof step === 'object' && step !== null && 'key' in step ? step.key : step),
  );
  return {
    field: (keys.join('.') || WHOLE).slice(0, TEXT_LIMIT),
    message: text(message).slice(0, TEXT_LIMIT),
  };
}
