import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../contract/fields/artifacts.js';
import { faultOfFileName } from '../../contract/fields/file-names.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { openStream } from '../http/api-request.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { tableOf } from '../output/table.js';

/** Options of `bifrost artifacts` as they stand on the command line. */
export interface ArtifactsOptions {
  save?: string;
  json?: boolean;
}

/** What `bifrost artifacts` needs beside its command line. */
export interface ArtifactsIo {
  access: ApiAccess;
  output: Output;
  /** Aborted by Ctrl-C. */
  interrupt: AbortSignal;
}

/**
 * `bifrost artifacts ID`: lists the files that an execution left, or saves them into a folder. A file that is there
 * already is not touched. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer, or a file cannot be saved.
 */
export async function artifacts(id: string, options: ArtifactsOptions, io: ArtifactsIo): Promise<ExitCode> {
  const { access, output, interrupt } = io;
  const answer = await new ApiClient(access, interrupt).artifacts(id);
  if (options.json) output.stdout.write(asJson(answer));
  else if (options.save === undefined) output.stdout.write(listed(answer.artifacts));
  if (!answer.ended) output.stderr.write('It has not ended; what it leaves is there afterwards.\n');
  if (options.save === undefined) return EXIT.succeeded;
  await mkdir(options.save, { recursive: true });
  for (const artifact of answer.artifacts) {
    await save(id, artifact, options.save, io);
    if (!options.json) output.stdout.write(`${join(options.save, artifact.name)}\n`);
  }
  return EXIT.succeeded;
}

const listed = (all: readonly Artifact[]): string =>
  all.length === 0
    ? 'It left no artifacts.\n'
    : tableOf(
        ['NAME', 'BYTES', 'TYPE', 'SHA-256'],
        all.map(({ name, bytes, type, sha256 }) =>
          [plain(name), String(bytes), plain(type), sha256.slice(0, 12)].map((text) => ({ text })),
        ),
      );

/** The name comes from outside: it must not lead out of the folder. */
async function save(
  id: string,
  { name, sha256 }: Artifact,
  folder: string,
  { access, interrupt }: ArtifactsIo,
): Promise<void> {
  const fault = faultOfFileName(name);
  if (fault !== null) throw failure(`the name ${JSON.stringify(name)} ${fault}; nothing of it was saved`);
  const path = join(folder, name);
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw failure(error.code === 'EEXIST' ? `${path} is there already` : error.message);
  });
  try {
    const hash = createHash('sha256');
    const from = `/executions/${encodeURIComponent(id)}/artifacts/${encodeURIComponent(name)}`;
    const { body } = await openStream(access, { path: from, accept: '' }, interrupt);
    for await (const chunk of body) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (hash.digest('hex') !== sha256) throw failure(`${name} did not arrive as it was stored; try again`);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

const failure = (message: string): CommandError => new CommandError(EXIT.failed, message);
