import type { Publication } from '../../contract/workspace.js';
import { CommandError, EXIT } from '../output/exit.js';
import type { PublishRequest, WorkspaceClient } from './workspace-client.js';
import type { Folder } from './workspace-folder.js';

/** Characters of source in one request, about; a longer source goes alone. */
const BATCH_CHARS = 2 * 1024 * 1024;
const BATCH_SOURCES = 500;
/** Sources that were there may go between two questions, when another workspace is tidied up at that moment. */
const MAX_ROUNDS = 3;

/** How much has been sent, in characters. */
export type UploadListener = (sent: number, total: number) => void;

/**
 * Publishes a folder and sends only what the workspace lacks.
 * @throws {CommandError} with file, line and column of syntax errors; then nothing was published.
 */
export async function publishFolder(
  client: WorkspaceClient,
  folder: Folder,
  options: Omit<PublishRequest, 'paths'>,
  onUpload: UploadListener = () => undefined,
): Promise<Publication> {
  const paths = Object.fromEntries([...folder.files].map(([path, { sha256 }]) => [path, sha256]));
  for (let round = 1; ; round += 1) {
    const answer = await client.publish({ ...options, paths });
    if (!('missing' in answer)) return answer;
    if (round === MAX_ROUNDS) {
      throw new CommandError(EXIT.unavailable, 'sources that were sent are gone again: try once more');
    }
    await upload(client, folder, answer.missing, onUpload);
  }
}

async function upload(
  client: WorkspaceClient,
  folder: Folder,
  missing: readonly string[],
  onUpload: UploadListener,
): Promise<void> {
  const sources = new Map([...folder.files.values()].map(({ sha256, source }) => [sha256, source]));
  const wanted = missing.flatMap((hash) => sources.get(hash) ?? []);
  const total = wanted.reduce((sum, { length }) => sum + length, 0);
  let sent = 0;
  onUpload(sent, total);
  for (const batch of batchesOf(wanted)) {
    await client.sendSources(batch);
    sent += batch.reduce((sum, { length }) => sum + length, 0);
    onUpload(sent, total);
  }
}

function* batchesOf(sources: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const source of sources) {
    if (batch.length > 0 && (chars + source.length > BATCH_CHARS || batch.length === BATCH_SOURCES)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(source);
    chars += source.length;
  }
  if (batch.length > 0) yield batch;
}
