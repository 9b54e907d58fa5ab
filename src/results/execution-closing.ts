import { Inject, Injectable } from '@nestjs/common';
import type { ExecutionResult } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { LogWriter } from './log-writer.js';
import { withoutSecretsInTurns } from './without-secrets.js';

/** What is left to do of an execution once it has its result and never runs again. Every step may be repeated. */
@Injectable()
export class ExecutionClosing {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly logs: LogWriter,
  ) {}

  /** Takes the secrets out of its context, which others may want to read until it expires. */
  async removeSecrets(executionId: string): Promise<void> {
    const key = this.keys.context(executionId);
    const document = await this.redis.get(key);
    const rest = document === null ? null : await withoutSecretsInTurns(document);
    if (rest !== null) await this.redis.set(key, rest, 'KEEPTTL', 'XX');
  }

  /** Ends its log stream. Never rejects. */
  async endLog({
    execution_id,
    attempt,
    status,
  }: Pick<ExecutionResult, 'execution_id' | 'attempt' | 'status'>): Promise<void> {
    await this.logs.end(execution_id, attempt, status);
  }
}
