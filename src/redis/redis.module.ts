import {
  type DynamicModule,
  Global,
  type INestApplicationContext,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { type RedisSettings, redisSettings } from '../config/slices.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { CONNECT_TIMEOUT_MS, openRedis, type Patience, type RedisClient, untilReady } from './connections.js';
import { RedisKeys } from './keys.js';
import { SilentConnectionError } from './silence-watch.js';

/**
 * Connection whose commands wait until Redis is back: for what must not be lost. BullMQ has it too, so that
 * what one moment asks of Redis goes out in one write.
 */
export const PATIENT_REDIS = Symbol('PatientRedis');
/** Connection whose commands fail within a second: for probes, leases and heartbeats. */
export const IMPATIENT_REDIS = Symbol('ImpatientRedis');

const provideRedis = (token: symbol, patience: Patience) => ({
  provide: token,
  inject: [redisSettings.KEY],
  useFactory: (settings: RedisSettings): RedisClient => {
    const client = openRedis(settings.url, patience, `${settings.clientName}-${patience}`);
    reportConnection(client, new Logger('Redis'), patience);
    return client;
  },
});

/**
 * Resolves once Redis answers on the connection of probes, however long that takes.
 * @param onWait called when it does not answer at once
 */
export async function whenRedisAnswers(app: INestApplicationContext, onWait: () => void): Promise<void> {
  const client = app.get<RedisClient>(IMPATIENT_REDIS);
  if (client.status === 'ready') return;
  onWait();
  await new Promise<void>((resolve) => client.once('ready', () => resolve()));
}

const lastErrors = new WeakMap<RedisClient, Error>();

/** Why a connection is not there, where its commands can only say that it is not. */
export const connectionTrouble = (client: RedisClient): string | null =>
  lastErrors.get(client)?.message || null;

/** Says once that a connection is lost and once that it is back, instead of every failed try. */
export function reportConnection(client: RedisClient, logger: Logger, name: string): void {
  let lost = false;
  client.on('error', (error: Error) => {
    emitMeasurement('redis-error', { connection: name });
    lastErrors.set(client, error);
    if (lost) return;
    lost = true;
    // The watch has said that one, once for all connections.
    if (error instanceof SilentConnectionError) return;
    logger.error(`${name} connection: ${error.message || error.name}; trying again until it answers`);
  });
  client.on('ready', () => {
    if (lost) {
      logger.log(`${name} connection: back`);
      emitMeasurement('redis-back', { connection: name });
    }
    lost = false;
    lastErrors.delete(client);
  });
}

/** The connections to Redis and the names of its keys. Only named stores and `results/` use them. */
@Global()
@Module({})
export class RedisModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(PATIENT_REDIS) private readonly patient: RedisClient,
    @Inject(IMPATIENT_REDIS) private readonly impatient: RedisClient,
  ) {}

  static register(): DynamicModule {
    return {
      module: RedisModule,
      providers: [
        provideRedis(PATIENT_REDIS, 'patient'),
        provideRedis(IMPATIENT_REDIS, 'impatient'),
        {
          provide: RedisKeys,
          inject: [redisSettings.KEY],
          useFactory: (settings: RedisSettings) => new RedisKeys(settings.keyPrefix),
        },
      ],
      exports: [PATIENT_REDIS, IMPATIENT_REDIS, RedisKeys],
    };
  }

  /**
   * A client that knows the address of the API may use it at once, but the impatient connection refuses commands
   * until it is open. A Redis that is away does not prevent the start.
   */
  async onModuleInit(): Promise<void> {
    await untilReady(this.impatient, CONNECT_TIMEOUT_MS).catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.patient.disconnect();
    this.impatient.disconnect();
  }
}
