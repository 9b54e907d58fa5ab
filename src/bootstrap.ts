import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Logger as NestLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PinoLogger } from 'nestjs-pino';
import { configureHttp, httpAdapter } from './api/http/configure-http.js';
import { AppModule } from './app.module.js';
import { isPretty } from './config/logging.js';
import { parseSettings, type Settings, SettingsError } from './config/settings.js';
import { type HttpSettings, httpSettings } from './config/slices.js';
import { WorkerLogger } from './config/worker-logger.js';
import { type WorkerArguments, workerArguments } from './config/worker-arguments.js';
import { followProcess } from './lib/follow-process.js';
import { ownPorts } from './lib/own-ports.js';
import { VERSION } from './lib/version.js';
import { openEmbeddedRedis } from './redis/embedded-endpoint.js';

/** sysexits.h: something was found in an unconfigured or misconfigured state. */
const EX_CONFIG = 78;
const DEFAULT_PORT = 3000;
const MIN_NODE_MAJOR = 26;
const EMBEDDED_REDIS_DIR = fileURLToPath(new URL('../.bifrost/redis', import.meta.url));

/** Runs a worker until a signal ends it. All invalid settings are reported in one message, with exit code 78. */
export async function runWorker(
  env: NodeJS.ProcessEnv,
  given: WorkerArguments | readonly string[],
): Promise<void> {
  try {
    requireNode();
    // Without a listener this signal, which user code can send, opens Node's inspector in the worker.
    process.on('SIGUSR1', () => undefined);
    const args = isArgv(given) ? workerArguments(given) : given;
    const settings = parseSettings({
      ...env,
      WORKER_ID: args.id ?? env['WORKER_ID'],
      WORKER_TYPE: args.type ?? env['WORKER_TYPE'],
    });
    await start(settings.REDIS_URL ? settings : { ...settings, REDIS_URL: await embeddedRedisUrl() });
  } catch (error) {
    process.stderr.write(
      `${error instanceof SettingsError ? error.message : String((error as Error).stack)}\n`,
    );
    process.exit(error instanceof SettingsError ? EX_CONFIG : 1);
  }
}

async function start(settings: Settings): Promise<void> {
  const http = httpSettings.of(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.register(settings),
    httpAdapter(http),
    {
      bufferLogs: true,
      abortOnError: false,
    },
  );
  app.useLogger(new WorkerLogger(await app.resolve(PinoLogger), {}));
  configureHttp(app, http);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  const { LAUNCHER_PID } = settings;
  if (LAUNCHER_PID !== undefined) followProcess(LAUNCHER_PID, () => process.kill(process.pid, 'SIGTERM'));
  const url = await listen(app, http);
  const { WORKER_ID: workerId, ROLES: roles, CONCURRENCY: concurrency } = settings;
  const ready = {
    msg: `worker ${workerId} ${VERSION} listening at ${url}`,
    url,
    workerId,
    roles,
    concurrency,
  };
  new NestLogger('Worker').log(ready);
  if (isPretty(settings) && roles.includes('api')) process.stdout.write(tryNext(url, http));
}

const isArgv = (given: WorkerArguments | readonly string[]): given is readonly string[] =>
  Array.isArray(given);

/** A port that is named must be free; the default one may give way, so that several workers start on one machine. */
async function listen(app: NestFastifyApplication, { host, port: wanted }: HttpSettings): Promise<string> {
  try {
    await app.listen(wanted ?? ((await isFree(DEFAULT_PORT, host)) ? DEFAULT_PORT : 0), host);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new SettingsError(
      `The configuration cannot be used:\n  PORT: ${wanted ?? DEFAULT_PORT} is taken; name another, or 0 for a free one`,
    );
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  ownPorts.add(port);
  return await app.getUrl();
}

async function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}

async function embeddedRedisUrl(): Promise<string> {
  const { url, shared } = await openEmbeddedRedis(EMBEDDED_REDIS_DIR);
  if (shared)
    process.stderr.write(
      `Using the redis-server of another worker of this folder at ${url}; it ends with that worker.\n`,
    );
  return url;
}

function requireNode(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= MIN_NODE_MAJOR) return;
  throw new SettingsError(
    `This is Node ${process.versions.node}; the worker needs Node ${MIN_NODE_MAJOR}. npm start brings it; so does node_modules/.bin/node dist/main.js.`,
  );
}

function tryNext(url: string, { token }: HttpSettings): string {
  const auth = token === undefined ? '' : ` -H "authorization: Bearer $API_TOKEN"`;
  return [
    '',
    'Try:',
    `  curl -s ${url}/tasks${auth} -H 'content-type: application/json' -d '{"code":"console.log(2 + 2)"}'`,
    `  curl -s ${url}/tasks/ID${auth}      (the id that it answered)`,
    '',
    '',
  ].join('\n');
}
