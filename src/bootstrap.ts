import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { fileURLToPath } from 'node:url';
import { Logger as NestLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PinoLogger } from 'nestjs-pino';
import { configureHttp, httpAdapter } from './api/http/configure-http.js';
import { AppModule } from './app.module.js';
import { isPretty } from './config/log/logging.js';
import { EX_CONFIG, parseSettings, type Settings, SettingsError } from './config/settings.js';
import { type HttpSettings, httpSettings, workerSettings } from './config/slices.js';
import { WorkerLogger } from './config/log/worker-logger.js';
import { type WorkerArguments, workerArguments } from './config/worker-arguments.js';
import { shieldWorker } from './isolation/shield-worker.js';
import type { EarlyEnd } from './lib/process/early-signals.js';
import { followProcess } from './lib/process/follow-process.js';
import { ownPorts } from './lib/own-ports.js';
import { VERSION } from './lib/version.js';
import { openEmbeddedRedis } from './redis/embedded-endpoint.js';
import { whenRedisAnswers } from './redis/redis.module.js';

const DEFAULT_PORT = 3000;
/** How long the end of an application may take that a signal stops before it has started. */
const EARLY_END_MS = 2_500;
/** Beyond the drain time: how long the shutdown may take before the process just ends. */
const LAST_DEADLINE_MS = 2_500;
const EMBEDDED_REDIS_DIR = fileURLToPath(new URL('../.bifrost/redis', import.meta.url));

/**
 * Of what a worker makes for its executions little lives on: to wake V8's helper threads for each collection of the young
 * costs more than they take off the main thread, 4 % of the worker's processor time for an execution.
 */
function collectYoungGarbageAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Runs a worker until a signal ends it. All invalid settings are reported in one message, with exit code 78.
 * @param early what signals do until the application listens for them
 */
export async function runWorker(
  env: NodeJS.ProcessEnv,
  given: WorkerArguments | readonly string[],
  early: EarlyEnd,
): Promise<void> {
  try {
    collectYoungGarbageAlone();
    // Before anything is started. What cannot be done, runners say when there are some.
    shieldWorker();
    // Without a listener this signal, which user code can send, opens Node's inspector in the worker.
    process.on('SIGUSR1', () => undefined);
    const args = isArgv(given) ? workerArguments(given) : given;
    const remarks: string[] = [];
    const options = { WORKER_ID: args.id, WORKER_TYPE: args.type };
    const settings = parseSettings(env, options, (remark) => remarks.push(remark));
    const usable = settings.REDIS_URL ? settings : { ...settings, REDIS_URL: await embeddedRedisUrl() };
    await start(usable, remarks, early);
  } catch (error) {
    process.stderr.write(
      `${error instanceof SettingsError ? error.message : String((error as Error).stack)}\n`,
    );
    process.exit(error instanceof SettingsError ? EX_CONFIG : 1);
  }
}

async function start(settings: Settings, remarks: readonly string[], early: EarlyEnd): Promise<void> {
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
  for (const remark of remarks) new NestLogger('Settings').warn(remark);
  configureHttp(app, http);
  const url = await listenUnlessEnded(app, http, early);
  limitShutdown(workerSettings.of(settings).drainTimeoutMs);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  early.over();
  const { LAUNCHER_PID } = settings;
  if (LAUNCHER_PID !== undefined) followProcess(LAUNCHER_PID, () => process.kill(process.pid, 'SIGTERM'));
  await announce(app, settings, url);
}

/** Opens the HTTP API. A signal that comes meanwhile ends what has begun by then, and the process. */
async function listenUnlessEnded(
  app: NestFastifyApplication,
  http: HttpSettings,
  early: EarlyEnd,
): Promise<string> {
  const ended = Promise.withResolvers<'ended'>();
  early.during(() => ended.resolve('ended'), EARLY_END_MS);
  const opening = listen(app, http);
  const first = await Promise.race([opening, ended.promise]);
  if (first !== 'ended') return first;
  await opening.catch(() => undefined);
  await app.close().catch(() => undefined);
  process.exit(0);
}

/**
 * Whatever does not end, the process does, in time for an orchestrator that kills it 30 s after its signal. What still
 * runs goes back to the queue as stalled.
 */
function limitShutdown(drainTimeoutMs: number): void {
  const end = (): void => {
    new NestLogger('Worker').error(
      'the shutdown did not end in time; what runs goes back to the queue as stalled',
    );
    process.exit(0);
  };
  const onSignal = (): void => void setTimeout(end, drainTimeoutMs + LAST_DEADLINE_MS).unref();
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
}

/** Says that this process can be used, which it can only once Redis answers. */
async function announce(app: NestFastifyApplication, settings: Settings, url: string): Promise<void> {
  const { WORKER_ID: workerId, ROLES: roles, CONCURRENCY: concurrency } = settings;
  const logger = new NestLogger('Worker');
  const about = { url, roles, concurrency };
  await whenRedisAnswers(app, () =>
    logger.warn({
      msg: `worker ${workerId} ${VERSION} waits for Redis; its probes are at ${url}/health`,
      ...about,
    }),
  );
  logger.log({ msg: `worker ${workerId} ${VERSION} listening at ${url}`, ...about });
  const isShown = isPretty(settings) && settings.LOG_LEVEL !== 'silent' && roles.includes('api');
  if (isShown) process.stdout.write(tryNext(url, httpSettings.of(settings)));
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

function tryNext(url: string, { token }: HttpSettings): string {
  const auth = token === undefined ? '' : ` -H "authorization: Bearer $API_TOKEN"`;
  return [
    '',
    `Console: ${url}/${token === undefined ? '' : '   (it asks for API_TOKEN)'}`,
    '',
    'Try:',
    `  curl -s ${url}/tasks${auth} -H 'content-type: application/json' -d '{"code":"console.log(2 + 2)"}'`,
    `  curl -s ${url}/tasks/ID${auth}      (the id that it answered)`,
    '',
    '',
  ].join('\n');
}
