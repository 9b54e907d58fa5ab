import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { openRedis } from '../../../src/redis/connections.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../../src/redis/embedded-redis.js';
import { requireFreshBuild } from '../../support/processes/built-worker.js';
import { until } from '../../support/until.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bifrost-embedded-'));
  undo.push(() => rm(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

async function start(options: Parameters<typeof startEmbeddedRedis>[0]): Promise<EmbeddedRedis> {
  const server = await startEmbeddedRedis(options);
  undo.push(() => server.stop());
  return server;
}

async function ask(url: string, ...command: [string, ...string[]]): Promise<unknown> {
  const client = openRedis(url, 'patient', 'test');
  client.on('error', () => undefined);
  try {
    return await client.call(...command);
  } finally {
    client.disconnect();
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A process of its own that starts a server, as an application does, and says where it is. */
async function application(dataDir: string): Promise<{ app: ChildProcess; pid: number; url: string }> {
  const module = pathToFileURL(
    join(import.meta.dirname, '..', '..', '..', 'dist', 'redis', 'embedded-redis.js'),
  );
  const script = `
    const { startEmbeddedRedis } = await import(${JSON.stringify(module.href)});
    const { pid, url } = await startEmbeddedRedis({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(JSON.stringify({ pid, url }));
    setInterval(() => {}, 1000);`;
  const app = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  undo.push(() => app.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: app.stdout }), 'line')) as [string];
  return { app, ...(JSON.parse(line) as { pid: number; url: string }) };
}

/** Process group, from the text of /proc/PID/stat. */
const groupOf = (text: string): string => text.slice(text.lastIndexOf(')') + 2).split(' ')[2] as string;

describe('the embedded redis-server', () => {
  it('keeps its data over a restart', async () => {
    const dataDir = await folder();
    const first = await start({ dataDir });
    await ask(first.url, 'SET', 'kept', 'yes');
    await first.stop();
    const second = await start({ dataDir });
    expect(await ask(second.url, 'GET', 'kept')).toBe('yes');
  });

  it('keeps nothing without persistence', async () => {
    const dataDir = await folder();
    const first = await start({ dataDir, persistent: false });
    await ask(first.url, 'SET', 'kept', 'yes');
    await first.stop();
    const second = await start({ dataDir, persistent: false });
    expect(await ask(second.url, 'GET', 'kept')).toBeNull();
  });

  it('refuses writes rather than dropping jobs when memory is short', async () => {
    const { url } = await start({ dataDir: await folder(), persistent: false });
    expect(await ask(url, 'CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  });

  it('listens on the port that it is given, on loopback only', async () => {
    const first = await start({ dataDir: await folder(), persistent: false });
    const port = Number(new URL(first.url).port);
    await first.stop();
    const second = await start({ dataDir: await folder(), persistent: false, port });
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });

  it('has ended when stop resolves, also the second time', async () => {
    const server = await start({ dataDir: await folder(), persistent: false });
    expect(isRunning(server.pid)).toBe(true);
    await Promise.all([server.stop(), server.stop()]);
    expect(isRunning(server.pid)).toBe(false);
    await server.stop();
  });

  it('says what to do when there is none', async () => {
    await expect(start({ dataDir: await folder(), binary: 'no-such-redis' })).rejects.toThrow(
      /"no-such-redis" was not found[\s\S]*REDIS_URL=[\s\S]*docker compose[\s\S]*apt-get install/,
    );
  });

  it('says which folder is at fault when it cannot start there', async () => {
    const dataDir = await folder();
    await writeFile(join(dataDir, 'appendonlydir'), 'a file where redis wants a folder');
    await expect(start({ dataDir })).rejects.toThrow(dataDir);
  });
});

describe('an application that is killed', () => {
  beforeAll(requireFreshBuild);

  it('leaves no redis-server running, and its data is whole', async () => {
    const dataDir = await folder();
    const { app, pid, url } = await application(dataDir);
    await ask(url, 'SET', 'kept', 'yes');
    expect(isRunning(pid)).toBe(true);
    app.kill('SIGKILL');
    await until(() => !isRunning(pid), { what: 'the redis-server ends after its application' });
    const again = await start({ dataDir });
    expect(await ask(again.url, 'GET', 'kept')).toBe('yes');
  });

  it('keeps its redis-server through Ctrl-C, which the terminal sends to its process group', async () => {
    const { app, pid } = await application(await folder());
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) return; // no /proc on this system: the group cannot be read
    const own = groupOf(await readFile(`/proc/${app.pid}/stat`, 'utf8'));
    expect(groupOf(stat)).not.toBe(own);
  });
});
