import { z } from 'zod';

const text = z.string().nullable();

/** `GET /executions/:id/input`: what an execution was asked to run, without its secrets. */
export const inputSchema = z
  .object({
    execution_id: z.string(),
    workflow_code: text.meta({ description: 'Its source, where that came with the request' }),
    file_path: text.meta({ description: 'Its module of the workspace' }),
    function_name: text,
    parameters: z.record(z.string(), z.unknown()).nullable(),
    timeout_seconds: z.number().nullable(),
    workspace_generation: z
      .number()
      .nullable()
      .meta({ description: 'That was asked for; null: the current one' }),
    secrets: z.array(z.string()).meta({ description: 'Their names' }),
  })
  .meta({ id: 'Input' });

export type Input = z.infer<typeof inputSchema>;
