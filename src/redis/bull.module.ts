import { BullModule, getQueueToken } from '@nestjs/bullmq';
import type { DynamicModule, ExistingProvider } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { bullPrefix } from './bull-prefix.js';
import type { RedisClient } from './connections.js';
import { BULL_REDIS } from './redis.module.js';

/** Gives BullMQ its connection and prefix; to be imported once, by the application. */
export const bullRoot = (): DynamicModule =>
  BullModule.forRootAsync({
    inject: [SETTINGS, BULL_REDIS],
    useFactory: (settings: Settings, connection: RedisClient) => ({
      connection,
      prefix: bullPrefix(settings),
    }),
  });

/** A queue under its configured name, injectable by a token of ours. */
export function bullQueue(
  name: string,
  token: symbol,
): { imports: DynamicModule[]; provider: ExistingProvider } {
  return {
    imports: [BullModule.registerQueue({ name })],
    provider: { provide: token, useExisting: getQueueToken(name) },
  };
}
