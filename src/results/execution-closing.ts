import { Inject, Injectable } from '@nestjs/common';
import type { Webhook } from '../contract/jobs/webhook.js';
import type { ExecutionResult } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { textUnder } from '../redis/text-key.js';
import { UsageCounter } from '../tenants/usage/usage-counter.js';
import { ExecutionUpdates } from './clients/execution-updates.js';
import { LogWriter } from './logs/log-writer.js';
import { WaitingCallers } from './clients/waiting-callers.js';
import { WebhookQueue } from './webhooks/webhook-queue.js';
import { withoutSecretsInTurns } from './without-secrets.js';

/** What is left to do of an execution once it has its result and never runs again. Every step may be repeated. */
@Injectable()
export class ExecutionClosing {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly logs: LogWriter,
    private readonly updates: ExecutionUpdates,
    private readonly callers: WaitingCallers,
    private readonly webhooks: WebhookQueue,
    private readonly usage: UsageCounter,
  ) {}

  /**
   * Takes the secrets out of its context, which others may want to read until it expires.
   * @returns whether the context says that a caller waits for the result
   */
  async removeSecrets(executionId: string): Promise<boolean> {
    const key = this.keys.context(executionId);
    const document = await textUnder(this.redis, key);
    if (document === null) return false;
    const rest = await withoutSecretsInTurns(document);
    if (rest !== null) await this.redis.set(key, rest, 'KEEPTTL', 'XX');
    return saysSync(rest ?? document);
  }

  /** Leaves the result for the caller that waits for it, if one does. */
  answerCaller(result: ExecutionResult, sync: boolean): Promise<void> {
    return this.callers.answer(result, sync);
  }

  /** Leaves the message for the receiver that its submitter named. */
  notify(result: ExecutionResult, webhook: Webhook): Promise<void> {
    return this.webhooks.addExecution(result, webhook);
  }

  /** Adds what it used to the counters of its organization; once, however often it is asked for. */
  count(result: ExecutionResult): Promise<void> {
    return this.usage.countEnd(result);
  }

  /** As {@link count}, of an attempt after which another one follows. */
  countAttempt(document: ExecutionResult): Promise<void> {
    return this.usage.countAttempt(document);
  }

  /** Ends its log stream and says that it has ended. A flag that cancelled it must not end a further run. */
  async finish(result: ExecutionResult): Promise<void> {
    const { execution_id: executionId, attempt, status } = result;
    await Promise.all([
      this.logs.end(executionId, attempt, status),
      status === 'cancelled' ? this.redis.del(this.keys.cancelFlag(executionId)) : undefined,
    ]);
    this.updates.ended(result);
  }
}

function saysSync(document: string): boolean {
  // Most contexts do not, and some are large.
  if (!document.includes('"sync"')) return false;
  try {
    return (JSON.parse(document) as { sync?: unknown } | null)?.sync === true;
  } catch {
    return false;
  }
}
