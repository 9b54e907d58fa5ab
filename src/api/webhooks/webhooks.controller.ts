import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type WebhookDeliveries, webhookDeliveriesSchema } from '../../contract/api/webhooks.js';
import { WebhookLog } from '../../results/webhooks/webhook-log.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { scheduleLog } from '../../results/webhooks/webhook-message.js';
import { type IdPath, idPathSchema } from '../executions/requests.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { type SchedulePath, schedulePathSchema } from '../schedules/schedule-requests.js';

/** What became of the messages to receivers of webhooks. */
@ApiTags('webhooks')
@Controller()
export class WebhooksController {
  constructor(private readonly log: WebhookLog) {}

  /** As long as the result is in Redis; none: it has no webhook, has not ended, or is not known. */
  @Get('executions/:id/webhooks')
  @Access('read', 'execution')
  @ApiOperation({
    operationId: 'listExecutionWebhooks',
    summary: 'Deliveries of the webhook of an execution',
  })
  @ApiOkResponse({ standardSchema: webhookDeliveriesSchema })
  ofExecution(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<WebhookDeliveries> {
    return this.read(id);
  }

  @Get('batches/:id/webhooks')
  @Access('read', 'batch')
  @ApiOperation({ operationId: 'listBatchWebhooks', summary: 'Deliveries of the webhook of a batch' })
  @ApiOkResponse({ standardSchema: webhookDeliveriesSchema })
  ofBatch(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<WebhookDeliveries> {
    return this.read(id);
  }

  /** As long as results are kept after the latest of them. */
  @Get('schedules/:id/webhooks')
  @Access('read', 'schedule')
  @ApiOperation({
    operationId: 'listScheduleWebhooks',
    summary: 'Deliveries of the message that a schedule has ended',
  })
  @ApiOkResponse({ standardSchema: webhookDeliveriesSchema })
  ofSchedule(@Param({ schema: schedulePathSchema }) { id }: SchedulePath): Promise<WebhookDeliveries> {
    return this.read(scheduleLog(id));
  }

  private async read(id: string): Promise<WebhookDeliveries> {
    return { deliveries: await withinRedisLimit(this.log.read(id)) };
  }
}
