import { Injectable, type OnModuleInit } from '@nestjs/common';
import { WorkQueueGauge } from '../queue/work-queue-gauge.js';
import { ResultQueueGauge } from '../results/result-queue-gauge.js';
import { Instruments } from './instruments.js';

/** What is on the queues, asked of Redis for each answer. */
@Injectable()
export class QueueGauges implements OnModuleInit {
  constructor(
    private readonly instruments: Instruments,
    private readonly work: WorkQueueGauge,
    private readonly results: ResultQueueGauge,
  ) {}

  onModuleInit(): void {
    this.instruments.onCollect(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const to = this.instruments;
    // An old figure would look like a live one.
    to.clear('queueJobs');
    const [work, results] = await Promise.all([this.work.counts(), this.results.length()]);
    for (const [state, jobs] of Object.entries(work))
      to.set('queueJobs', jobs, { queue: 'executions', state });
    to.set('queueJobs', results, { queue: 'results', state: 'waiting' });
  }
}
