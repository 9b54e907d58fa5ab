import { BullModule, getQueueToken } from '@nestjs/bullmq';
import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { type RedisSettings, redisSettings } from '../config/slices.js';
import { currentTracing, type Tracing } from '../telemetry/tracing.js';
import type { RedisClient } from './connections.js';
import { PATIENT_REDIS } from './redis.module.js';

/** Gives BullMQ its connection and prefix; to be imported once, by the application. */
export const bullRoot = (): DynamicModule =>
  BullModule.forRootAsync({
    inject: [redisSettings.KEY, PATIENT_REDIS],
    useFactory: (settings: RedisSettings, connection: RedisClient) => ({
      connection,
      prefix: settings.bullPrefix,
      ...telemetryOf(currentTracing()),
    }),
  });

const telemetryOf = (tracing: Tracing | null) => (tracing === null ? {} : { telemetry: tracing.bull });

/** A queue under its configured name, injectable by its token here. */
export function bullQueue(
  name: string,
  token: symbol,
): { imports: DynamicModule[]; provider: FactoryProvider<Queue> } {
  return {
    imports: [BullModule.registerQueue({ name })],
    provider: {
      provide: token,
      inject: [getQueueToken(name)],
      useFactory: (queue: Queue) => {
        // Without a listener BullMQ prints each error; the connection's own are reported once already.
        queue.on('error', () => undefined);
        return queue;
      },
    },
  };
}
