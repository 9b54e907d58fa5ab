import { z } from 'zod';
import { faultOfFileName } from './file-names.js';

/** A file that the code of an execution left. */
export const artifactSchema = z
  .object({
    name: z.string(),
    bytes: z.number().int(),
    sha256: z.string().meta({ description: 'Of its content, in hex' }),
    type: z.string().meta({ description: 'Media type, by the end of its name' }),
  })
  .meta({ id: 'Artifact' });

export type Artifact = z.infer<typeof artifactSchema>;

/** Most files that an execution is given, and their bytes together. */
export const FILES_LIMIT = 100;
export const FILES_LIMIT_BYTES = 4_194_304;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The content of a file that goes in: text, or bytes in base64. */
const inputFileSchema = z.union(
  [
    z.string(),
    z.strictObject({
      base64: z.string().regex(BASE64, { error: 'must be base64' }),
    }),
  ],
  { error: 'must be a text, or {"base64": "…"}' },
);

export type InputFile = z.infer<typeof inputFileSchema>;

/** Bytes of a file that goes in. */
export const bytesOfFile = (file: InputFile): number =>
  typeof file === 'string' ? new TextEncoder().encode(file).length : decodedBytes(file.base64);

/** `files` of a context: what the code finds in `context.files`, by name. */
export const inputFilesSchema = z
  .record(z.string(), inputFileSchema, { error: 'must be an object of files by name' })
  .superRefine((files, ctx) => {
    const names = Object.keys(files);
    for (const name of names.slice(0, FILES_LIMIT)) {
      const fault = faultOfFileName(name);
      if (fault !== null) ctx.addIssue({ code: 'custom', path: [name], message: fault });
    }
    if (names.length > FILES_LIMIT)
      ctx.addIssue({ code: 'custom', message: `must be at most ${FILES_LIMIT}` });
    const bytes = Object.values(files).reduce((sum, file) => sum + bytesOfFile(file), 0);
    if (bytes > FILES_LIMIT_BYTES) {
      const message = `have ${bytes} bytes together; the limit is ${FILES_LIMIT_BYTES}`;
      ctx.addIssue({ code: 'custom', message });
    }
  });

/** How many bytes a text in base64 stands for. */
function decodedBytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor(((text.length - padding) * 3) / 4);
}
