import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { ControlAnswer, ControlMessage } from '../contract/control.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

const ANSWERS_TTL_SECONDS = 60;
const POLL_MS = 20;
/** A worker that does not answer in this time is frozen, gone or cut off. */
const ANSWER_LIMIT_MS = 2_000;

/**
 * Sends commands to workers and brings their answers back. Pub/sub drops messages without a subscriber, so that
 * only the answer of a worker proves that it carried out the command.
 */
@Injectable()
export class WorkerCommands {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * Publishes a command on the channel of `to` and waits for the answers of these workers, for 2 s at
   * most; a worker that does not answer counts as one that did not carry it out.
   * @param to id of a worker, or `all`
   * @throws what ioredis throws while Redis is away.
   */
  async send(to: string, workers: readonly string[], message: ControlMessage): Promise<ControlAnswer[]> {
    const requestId = randomUUID();
    const text = JSON.stringify({ ...message, request_id: requestId } satisfies ControlMessage);
    await this.redis.publish(this.keys.controlChannel(to), text);
    const deadlineMs = performance.now() + ANSWER_LIMIT_MS;
    const answers = new Map<string, ControlAnswer>();
    for (;;) {
      for (const line of await this.redis.lrange(this.keys.controlAnswers(requestId), 0, -1)) {
        const answer = JSON.parse(line) as ControlAnswer;
        answers.set(answer.worker_id, answer);
      }
      if (workers.every((id) => answers.has(id)) || performance.now() > deadlineMs) break;
      await sleep(POLL_MS);
    }
    return workers.map((id) => answers.get(id) ?? silence(id));
  }

  /** Answers the command `requestId` with what this worker did about it. */
  async answer(requestId: string, answer: ControlAnswer): Promise<void> {
    const key = this.keys.controlAnswers(requestId);
    await this.redis.multi().rpush(key, JSON.stringify(answer)).expire(key, ANSWERS_TTL_SECONDS).exec();
  }
}

const silence = (id: string): ControlAnswer => ({
  worker_id: id,
  obeyed: false,
  detail: `no answer within ${ANSWER_LIMIT_MS / 1000} s: it is starting, frozen, or cut off from Redis`,
});
