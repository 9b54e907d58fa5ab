import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRedis } from './connections.js';
import { EmbeddedRedisBusyError, startEmbeddedRedis } from './embedded-redis.js';

/** Where the redis-server of a folder is. */
export interface EmbeddedEndpoint {
  url: string;
  /** True: another process started it, and it ends with that one. */
  shared: boolean;
}

const WAIT_MS = 10_000;
const POLL_MS = 100;

/**
 * The redis-server of a data folder: starts it, or joins the one that another worker of this folder
 * has started. It ends with the process that started it.
 * @throws {Error} when there is no redis-server, or the one that holds the folder does not answer.
 */
export async function openEmbeddedRedis(dataDir: string): Promise<EmbeddedEndpoint> {
  const noteFile = join(dataDir, 'url');
  try {
    const { url } = await startEmbeddedRedis({ dataDir });
    await writeFile(noteFile, url);
    return { url, shared: false };
  } catch (error) {
    if (!(error instanceof EmbeddedRedisBusyError)) throw error;
    return { url: await joinHolder(noteFile, error), shared: true };
  }
}

/** The holder notes its URL once its server is up; an older note names a server that does not answer. */
async function joinHolder(noteFile: string, busy: EmbeddedRedisBusyError): Promise<string> {
  const deadline = performance.now() + WAIT_MS;
  while (performance.now() < deadline) {
    const url = await readFile(noteFile, 'utf8').catch(() => '');
    if (url !== '' && (await answers(url))) return url;
    await sleep(POLL_MS);
  }
  throw new Error(`${busy.message}, which does not answer. Set REDIS_URL, or end that server.`);
}

async function answers(url: string): Promise<boolean> {
  const client = openRedis(url, 'impatient', 'bifrost-embedded-check');
  client.on('error', () => undefined);
  try {
    await new Promise<void>((resolve, reject) => client.once('ready', resolve).once('error', reject));
    return true;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
