import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ResultSettings, resultSettings } from '../../config/slices.js';
import { endUpdate, engineLevel, type ExecutionUpdate, startUpdate } from '../../contract/clients/engine.js';
import { logEventOf } from '../../contract/log-stream.js';
import type { ExecutionResult } from '../../contract/result.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import type { LogRecord } from '../logs/execution-log.js';

/**
 * With EXECUTION_UPDATES=on: publishes what becomes of executions on `bifrost:execution:{execution_id}`. As
 * every message of Redis, one that has no subscriber at that moment is lost. No method rejects or waits.
 */
@Injectable()
export class ExecutionUpdates {
  private readonly logger = new Logger(ExecutionUpdates.name);

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  started(executionId: string): void {
    this.publish(executionId, () => [startUpdate(executionId)]);
  }

  ended(result: ExecutionResult): void {
    this.publish(result.execution_id, () => [endUpdate(result)]);
  }

  /** Entries that the log stream has. */
  logged(executionId: string, records: readonly LogRecord[]): void {
    this.publish(executionId, () => records.flatMap((record) => logUpdate(executionId, record)));
  }

  private publish(executionId: string, updates: () => readonly ExecutionUpdate[]): void {
    if (!this.settings.hasUpdates) return;
    const channel = this.keys.executionUpdates(executionId);
    for (const update of updates()) {
      this.redis.publish(channel, JSON.stringify(update)).catch((error: Error) => {
        this.logger.debug(`update not published: ${error.message}`);
      });
    }
  }
}

function logUpdate(executionId: string, { fields, n }: LogRecord): ExecutionUpdate[] {
  const event = logEventOf('', pairs(fields));
  if (event?.type !== 'log') return [];
  const { level, message, ts: timestamp, fields: metadata = null } = event;
  return [
    {
      type: 'execution_log',
      executionId,
      level: engineLevel(level),
      message,
      metadata,
      timestamp,
      sequence: n,
    },
  ];
}

function pairs(list: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let index = 0; index < list.length; index += 2)
    found[list[index] as string] = list[index + 1] as string;
  return found;
}
