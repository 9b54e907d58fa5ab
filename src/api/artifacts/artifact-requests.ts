import { z } from 'zod';
import { artifactSchema } from '../../contract/fields/artifacts.js';
import { idSchema } from '../../contract/ids.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Path of one artifact. */
export const artifactPathSchema = z.object({ id: idSchema, name: z.string() });
export type ArtifactPath = z.infer<typeof artifactPathSchema>;

/** Query of a link; a client that sends the token needs neither. */
export const artifactQuerySchema = refuseUnknown(
  z.object({
    expires: z.string().optional().meta({ description: 'Of a link: until when it works, Unix seconds' }),
    signature: z.string().optional().meta({ description: 'Of a link' }),
  }),
);

/** Answer of `GET /executions/:id/artifacts`. */
export const artifactsViewSchema = z
  .object({
    execution_id: z.string(),
    ended: z.boolean().meta({ description: 'false: what it leaves is there once it has ended' }),
    artifacts: z.array(
      artifactSchema
        .extend({
          url: z.string().meta({
            description:
              'Opens it without a token until expires_at: a path of this API, or a whole URL of the bucket',
          }),
          expires_at: z.string().meta({ description: 'ISO 8601 time, UTC' }),
        })
        .meta({ id: 'LinkedArtifact' }),
    ),
  })
  .meta({ id: 'Artifacts' });
export type ArtifactsView = z.infer<typeof artifactsViewSchema>;
