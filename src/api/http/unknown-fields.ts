import { z } from 'zod';
import { nearestPaths } from '../../lib/text/nearest-paths.js';

/** Other names that clients commonly use for these fields. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  request_id: 'execution_id',
  id: 'execution_id',
  args: 'parameters',
  params: 'parameters',
  input: 'parameters',
  retries: 'attempts',
  script: 'workflow_code',
  source: 'workflow_code',
};

/**
 * The same schema of a body or a query, which refuses fields that it does not know: one that is ignored without
 * a word, such as a misspelled time limit or filter, is found when it is too late. What users fill freely
 * (`parameters`, `env`, `secrets`, `caller`, `organization`) stays free.
 */
export function refuseUnknown<T extends z.ZodObject>(schema: T): T {
  const known = Object.keys(schema.shape);
  const strict = schema.loose().superRefine(
    (body, ctx) => {
      for (const field of Object.keys(body))
        if (!known.includes(field))
          ctx.addIssue({ code: 'custom', path: [field], message: messageOf(field, known) });
    },
    // Also where other fields are wrong: the one that is missing is often the one that is misspelled.
    { when: ({ value }) => z.core.util.isPlainObject(value) },
  );
  return strict.meta({ additionalProperties: false }) as unknown as T;
}

/** What is said of a field that is not known: the nearest one that is, where one is near. */
export function messageOf(field: string, known: readonly string[]): string {
  if (/^idempotency.?key$/i.test(field)) return 'is not known; did you mean the header Idempotency-Key?';
  const near = nearestOf(field, known);
  return near === null ? 'is not known here; /docs lists what is' : `is not known; did you mean ${near}?`;
}

function nearestOf(field: string, known: readonly string[]): string | null {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const wanted = plain(field);
  const same = known.find((name) => plain(name) === wanted);
  const other = OTHER_NAMES[field.toLowerCase()];
  const longer = known.find(
    (name) => wanted.length >= 4 && (plain(name).includes(wanted) || wanted.includes(plain(name))),
  );
  const named = other !== undefined && known.includes(other) ? other : undefined;
  return same ?? named ?? longer ?? nearestPaths(field, known, 1)[0] ?? null;
}
