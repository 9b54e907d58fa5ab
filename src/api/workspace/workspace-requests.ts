import { z } from 'zod';
import { refuseUnknown } from '../http/unknown-fields.js';

const number = (what: string) =>
  z.coerce
    .number({ error: `must be the number of ${what}` })
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' });
const expected = z
  .number({ error: 'must be a number, or null where nothing is published yet' })
  .int({ error: 'must be a whole number' })
  .nullish()
  .meta({
    description:
      'Generation that must be current, or null where nothing may be published yet; else the answer is 409. Default: whatever is current',
  });
const remark = z.string({ error: 'must be a string' }).max(1_000, { error: 'must not be longer than 1000' });
const texts = z.record(z.string(), z.string({ error: 'must be a string' }), { error: 'must be an object' });

/** Body of `PUT /workspace`. The new generation has what is named here and nothing else. */
export const publishRequestSchema = refuseUnknown(
  z
    .object({
      files: texts.optional().meta({ description: 'Path -> source: all files at once. Excludes `paths`' }),
      paths: texts.optional().meta({
        description:
          'Path -> SHA-256 of the source (lower-case hex, of its UTF-8). Sources that are not there yet are named in a 422, and sent by PUT /workspace/sources',
      }),
      expected,
      message: remark.optional(),
      author: remark.optional(),
      dry_run: z
        .boolean({ error: 'must be true or false' })
        .default(false)
        .meta({ description: 'Check everything, publish nothing' }),
      temporary: z.boolean({ error: 'must be true or false' }).default(false).meta({
        description:
          'Make a generation that never becomes current, for executions that name it as workspace_generation; it goes after an hour',
      }),
    })
    .superRefine(({ files, paths }, ctx) => {
      if ((files === undefined) !== (paths === undefined)) return;
      ctx.addIssue({
        code: 'custom',
        path: ['files'],
        message: files ? 'excludes paths: send one of them' : 'or paths must be there',
      });
    }),
).meta({
  id: 'PublishRequest',
  example: { files: { 'workflows/greet.ts': 'export default () => "hello"' }, message: 'First workflow' },
});

/** Body of `PUT /workspace/sources`. */
export const sourcesRequestSchema = refuseUnknown(
  z.object({
    sources: z.array(z.string({ error: 'must be a string' }), { error: 'must be an array of strings' }),
  }),
).meta({ id: 'SourcesRequest', example: { sources: ['export default () => "hello"'] } });

/** Body of `POST /workspace/rollback`. */
export const rollbackRequestSchema = refuseUnknown(
  z.object({
    generation: number('the generation to go back to'),
    expected,
    message: remark.optional(),
    author: remark.optional(),
  }),
).meta({ id: 'RollbackRequest', example: { generation: 1 } });

/** Query of `GET /workspace`. */
export const workspaceQuerySchema = refuseUnknown(
  z.object({
    generation: number('a generation').optional().meta({ description: 'Default: the current one' }),
    paths: z.stringbool({ error: 'must be true or false' }).default(true).meta({
      description: 'Whether to list paths and hashes',
    }),
  }),
);

/** Query of `GET /workspace/diff`. */
export const diffQuerySchema = refuseUnknown(
  z.object({ from: number('a generation'), to: number('a generation') }),
);

/** Path of one file; `current` stands for the number of the current generation. */
export const filePathSchema = z.object({
  generation: z.union([z.literal('current'), number('a generation')], {
    error: 'must be the number of a generation, or "current"',
  }),
  '*': z.string(),
});

export type PublishRequest = z.infer<typeof publishRequestSchema>;
export type SourcesRequest = z.infer<typeof sourcesRequestSchema>;
export type RollbackRequest = z.infer<typeof rollbackRequestSchema>;
export type WorkspaceQuery = z.infer<typeof workspaceQuerySchema>;
export type DiffQuery = z.infer<typeof diffQuerySchema>;
export type FilePath = z.infer<typeof filePathSchema>;
