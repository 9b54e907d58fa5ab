import { z } from 'zod';
import { failureCodeSchema } from '../../contract/result.js';
import { type Problem, PROBLEM_KINDS } from './problem.js';

/** What is wrong with one field. */
export const fieldErrorSchema = z.object({
  field: z.string().meta({ description: 'Dotted path; body for the whole of it' }),
  message: z.string(),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
  code: failureCodeSchema.optional(),
});

/** Every error answer: RFC 9457 problem details; some kinds have members of their own beside these. */
export const problemSchema = z
  .looseObject({
    type: z.enum(PROBLEM_KINDS.map((kind) => `urn:bifrost:problem:${kind}`)),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What is wrong and what to do' }),
    instance: z.string().meta({ description: 'Path of the request' }),
    errors: z.array(fieldErrorSchema).meta({ description: 'One entry for each field that is wrong' }),
  })
  .meta({
    id: 'Problem',
    example: {
      type: 'urn:bifrost:problem:invalid-request',
      title: 'The request cannot be used',
      status: 400,
      detail: 'timeout_seconds: must be more than 0',
      instance: '/executions',
      errors: [{ field: 'timeout_seconds', message: 'must be more than 0' }],
    },
  }) satisfies z.ZodType<Problem>;
