import { z } from 'zod';

/** What is known about the making of a generation; `null` fields: it was published by another program. */
export const generationSchema = z
  .object({
    generation: z.number().int(),
    parent: z.number().int().nullable().meta({ description: 'The generation it replaced' }),
    message: z.string().nullable(),
    author: z.string().nullable(),
    created_at: z.string().nullable().meta({ description: 'ISO 8601 time, UTC' }),
    files: z.number().int(),
    added: z.number().int(),
    changed: z.number().int(),
    removed: z.number().int(),
    published: z.boolean().meta({ description: 'False while it is being made: then it was never current' }),
    temporary: z.boolean().optional().meta({
      description: 'Made for a few executions that name it; it never becomes current and goes after an hour',
    }),
  })
  .meta({ id: 'Generation' });

const paths = z.array(z.string());

/** How one generation differs from another; each list is sorted. */
export const workspaceDiffSchema = z
  .object({ added: paths, changed: paths, removed: paths })
  .meta({ id: 'WorkspaceDiff' });

/** `GET /workspace`. */
export const workspaceViewSchema = z
  .object({
    current: z.number().int().nullable().meta({ description: 'null: nothing was ever published' }),
    generation: z.number().int().nullable().meta({ description: 'The generation whose paths these are' }),
    log: z.array(generationSchema).meta({ description: 'Published generations, the newest first' }),
    paths: z.record(z.string(), z.string()).optional().meta({ description: 'Path -> SHA-256 of the source' }),
  })
  .meta({ id: 'Workspace' });

/** Answer to `PUT /workspace`; `generation` is null after a dry run. */
export const publicationSchema = z
  .object({ generation: z.number().int().nullable(), diff: workspaceDiffSchema })
  .meta({ id: 'Publication' });

/** Answer to `PUT /workspace/sources`. */
export const storedSourcesSchema = z.object({ hashes: z.array(z.string()) }).meta({ id: 'StoredSources' });

export type GenerationRecord = z.infer<typeof generationSchema>;
export type GenerationDiff = z.infer<typeof workspaceDiffSchema>;
export type WorkspaceView = z.infer<typeof workspaceViewSchema>;
export type Publication = z.infer<typeof publicationSchema>;
export type StoredSources = z.infer<typeof storedSourcesSchema>;
