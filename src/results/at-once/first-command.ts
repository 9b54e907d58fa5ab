import { Inject, Injectable } from '@nestjs/common';
import { after, type Soon } from '../../lib/soon.js';
import { isCluster, type RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { fieldOf } from '../delivery-identity.js';
import { ExecutionLedger } from '../execution-ledger.js';
import type { DeliveryClaim, Turn } from '../turn.js';
import { NextJobs } from './next-jobs.js';
import type { TakenNext } from './take-next.js';
import { TAKE, type TakeReply } from './take-script.js';

/** What the first command for a delivery brought. */
export interface FirstReads {
  /** Whose the execution is. */
  turn: Turn;
  /** Its context, as it stands in Redis; null: it has to be read by itself. */
  context: string | null;
  /** Another program has set the flag to cancel it. */
  isFlagged: boolean;
  /** Workspace generation that is current; null: nothing was ever published. */
  generation: number | null;
}

/** The delivery of a job that asks for an execution by itself. */
export interface FirstDelivery {
  executionId: string;
  /** Id under which its context was written. */
  contextId: string;
  /** BullMQ's key of the job. */
  jobKey: string;
  claim: DeliveryClaim;
  /** Its code may be of a generation of the workspace. */
  hasGenerations: boolean;
  /** It was taken by the script that handed it out: then only that is read. */
  taken?: TakenNext | null;
}

/** Takes an execution and reads what its start needs, in one command. */
@Injectable()
export class FirstCommand {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly ledger: ExecutionLedger,
    private readonly next: NextJobs,
  ) {}

  /** On Cluster the keys lie in different slots. */
  get isPossible(): boolean {
    return !isCluster(this.redis);
  }

  /** null: nothing was taken, since the job waited for others, of which has to be known more first. */
  take(delivery: FirstDelivery): Soon<FirstReads | null> {
    const { executionId, taken = null } = delivery;
    if (taken?.executionId === executionId) return this.read(delivery, taken.reply);
    return this.takeAlone(delivery, taken);
  }

  private async takeAlone(delivery: FirstDelivery, taken: TakenNext | null): Promise<FirstReads | null> {
    if (taken) await this.next.giveBack(taken);
    return this.read(delivery, await this.send(delivery));
  }

  private read({ executionId, claim }: FirstDelivery, reply: TakeReply): Soon<FirstReads | null> {
    if (reply[0] === 'parent') return null;
    const [, begun, context, flag, current] = reply;
    const generation = current === null ? null : Number(current);
    return after(this.ledger.take(executionId, generation, claim, begun), (turn) => ({
      turn,
      context,
      isFlagged: flag === 1,
      generation,
    }));
  }

  private async send({
    executionId,
    contextId,
    jobKey,
    claim,
    hasGenerations,
  }: FirstDelivery): Promise<TakeReply> {
    const { keys } = this;
    const [owner, worker, now, ttl] = this.ledger.claimant(null) as [string, string, string, number];
    return (await TAKE.run(
      this.redis,
      [
        keys.result(executionId),
        keys.ledger(executionId),
        keys.attempts(executionId),
        keys.context(contextId),
        keys.cancelFlag(executionId),
        keys.workspaceCurrent(),
        jobKey,
      ],
      [owner, worker, now, ttl, fieldOf(claim.mark), hasGenerations ? '1' : '0'],
    )) as TakeReply;
  }
}
