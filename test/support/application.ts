import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { configureHttp, httpAdapter } from '../../src/api/http/configure-http.js';
import { AppModule } from '../../src/app.module.js';
import type { Settings } from '../../src/config/settings.js';
import { settingsOf } from './parts.js';
import type { TestRedis } from './servers/test-redis.js';
import { httpSettings } from '../../src/config/slices.js';

/** The application as bootstrap makes it, listening in this process. */
export interface Application {
  nest: NestFastifyApplication;
  url: string;
  settings: Settings;
}

/** Opens it, silent and on a free port; the caller closes it. */
export async function listenAs(redis: TestRedis, env: Record<string, string>): Promise<Application> {
  const settings = settingsOf({ REDIS_URL: redis.url, PORT: '0', LOG_LEVEL: 'silent', ...env });
  const http = httpSettings.of(settings);
  const module = await Test.createTestingModule({ imports: [AppModule.register(settings)] }).compile();
  const nest = module.createNestApplication<NestFastifyApplication>(httpAdapter(http), { logger: false });
  configureHttp(nest, http);
  await nest.listen(0, '127.0.0.1');
  return { nest, url: await nest.getUrl(), settings };
}

/** Opens it; it is closed before the Redis of the suite ends. */
export async function openApplication(redis: TestRedis, env: Record<string, string>): Promise<Application> {
  const application = await listenAs(redis, env);
  redis.onDispose(() => application.nest.close());
  return application;
}
