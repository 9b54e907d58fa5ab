import { Injectable } from '@nestjs/common';
import { after, type Soon } from '../lib/soon.js';
import { queueTimes, UNKNOWN_TIMES } from '../queue/queue-times.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import type { OurTurn, Turn } from '../results/turn.js';
import { ResultPublisher } from '../results/result-publisher.js';
import type { BeforeTake, Delivery, TakenDelivery } from './delivery.js';
import { RUN, ScheduleTicks } from './ticks/schedule-ticks.js';

/**
 * What this worker may do with a delivery:
 * - `taken`: the execution is ours, to run or to end.
 * - `ended`: it has its result already, and does not run again.
 * - `elsewhere`: another worker carries it out.
 * - `not its turn`: a tick that waits for the former one of its schedule.
 * - `children under way`: its job waits for others, one of which is being retried.
 */
export type TakeOutcome =
  | { kind: 'taken'; delivery: TakenDelivery }
  | Extract<Turn, { kind: 'ended' }>
  | { kind: 'elsewhere' }
  | { kind: 'not its turn' }
  | { kind: 'children under way' };

/** Second step of the main flow: whose the execution of a delivery is. */
@Injectable()
export class Taker {
  constructor(
    private readonly ledger: ExecutionLedger,
    private readonly results: ResultPublisher,
    private readonly ticks: ScheduleTicks,
  ) {}

  /** A request to cancel that was noted before reaches the delivery here. */
  take(delivery: Delivery): Soon<TakeOutcome> {
    return after(delivery.before, (before) => {
      const { family, turn } = before;
      if (family?.pending && !family.failed) return { kind: 'children under way' };
      // Only a tick may have to wait, and none is taken before it is looked at.
      if (delivery.request.tick === null && turn !== null && turn.kind !== 'unsent')
        return outcomeOf(delivery, { turn, family, passedOver: null });
      return this.takeNow(delivery, before);
    });
  }

  private async takeNow(
    delivery: Delivery,
    { generation, family, turn: begun }: BeforeTake,
  ): Promise<TakeOutcome> {
    const admission = delivery.request.tick === null ? RUN : await this.ticks.admit(delivery);
    if (admission.kind === 'wait') return { kind: 'not its turn' };
    const passedOver = admission.kind === 'passed over' ? admission.reason : null;
    const turn = begun && begun.kind !== 'unsent' ? begun : await this.turnOf(delivery, generation);
    return outcomeOf(delivery, { turn, family, passedOver });
  }

  /**
   * Gives back what was taken by the first command, of a job for which there is no room. False: it goes on all the same,
   * since it runs no code: its execution has ended, is elsewhere or is to be cancelled.
   */
  async giveBack({
    before,
    request,
    stops,
  }: Pick<Delivery, 'before' | 'request' | 'stops'>): Promise<boolean> {
    const { turn } = await Promise.resolve(before).catch(() => ({ turn: null }));
    if (turn === null || turn.kind === 'unsent') return true;
    if (turn.kind !== 'ours' || turn.cancel) return false;
    const cancel = await this.ledger
      .free(request.executionId, { run: turn.run, counted: false })
      .catch(() => null);
    if (cancel === null) return true;
    stops.cancellation.ask(cancel);
    return false;
  }

  /** A result that a further run replaces is on the result queue before that begins. */
  private async turnOf(
    { request, mark }: Delivery,
    generation: number | null,
  ): Promise<Exclude<Turn, { kind: 'unsent' }>> {
    for (;;) {
      const turn = await this.ledger.take(request.executionId, generation, { mark, again: request.again });
      if (turn.kind !== 'unsent') return turn;
      await this.results.resend(request);
    }
  }
}

/** What decides how a delivery goes on. */
interface Admission extends Pick<TakenDelivery, 'family' | 'passedOver'> {
  turn: Exclude<Turn, { kind: 'unsent' }>;
}

function outcomeOf(delivery: Delivery, { turn, family, passedOver }: Admission): TakeOutcome {
  if (turn.kind === 'elsewhere' || turn.kind === 'ended') return turn;
  if (turn.cancel) delivery.stops.cancellation.ask(turn.cancel);
  const times = family === null ? queueTimes(delivery.job, turn, Date.now()) : UNKNOWN_TIMES;
  const { run, starts } = turn;
  return {
    kind: 'taken',
    delivery: { ...delivery, turn, run, attempt: startedAttempts(turn), starts, times, family, passedOver },
  };
}

/** A turn that only ends a cancelled execution is no attempt. */
const startedAttempts = ({ attempt, cancel }: OurTurn): number =>
  cancel ? Math.max(1, attempt - 1) : attempt;
