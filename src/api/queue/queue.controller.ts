import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Queue } from 'bullmq';
import { type QueueView, queueViewSchema } from '../../contract/api/queue.js';
import { LaneViews } from '../../queue/fairness/lane-views.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { WorkQueueGauge } from '../../queue/work-queue-gauge.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { withinRedisLimit } from '../http/redis-bound.js';

const NOT_KNOWN = 'Redis does not answer. Whether the queue is paused is not known: check GET /queue';

/** The work queue as a whole; `GET /executions?status=queued` lists what is on it. */
@ApiTags('queue')
@Controller('queue')
export class QueueController {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly gauge: WorkQueueGauge,
    private readonly lanes: LaneViews,
  ) {}

  @Get()
  @Access('read', 'everything')
  @ApiOperation({
    operationId: 'getQueue',
    summary: 'How many jobs are on the work queue, whether it is paused, and the lanes of organizations',
  })
  @ApiOkResponse({ standardSchema: queueViewSchema })
  find(): Promise<QueueView> {
    return withinRedisLimit(this.view());
  }

  /** No worker takes a job until it is resumed; what runs goes on. */
  @Post('pause')
  @Access('operate', 'everything')
  @HttpCode(200)
  @ApiOperation({ operationId: 'pauseQueue', summary: 'Pause the queue: no worker takes a job' })
  @ApiOkResponse({ standardSchema: queueViewSchema })
  pause(): Promise<QueueView> {
    return withinRedisLimit(
      this.queue.pause().then(() => this.view()),
      NOT_KNOWN,
    );
  }

  @Post('resume')
  @Access('operate', 'everything')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeQueue', summary: 'Resume the queue' })
  @ApiOkResponse({ standardSchema: queueViewSchema })
  resume(): Promise<QueueView> {
    return withinRedisLimit(
      this.queue.resume().then(() => this.view()),
      NOT_KNOWN,
    );
  }

  private async view(): Promise<QueueView> {
    const [counts, rule, lanes] = await Promise.all([
      this.gauge.counts(),
      this.gauge.rule(),
      this.lanes.list(),
    ]);
    return { name: this.queue.name, ...rule, ...counts, lanes };
  }
}
