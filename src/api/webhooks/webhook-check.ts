import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type WebhookSettings, webhookSettings } from '../../config/slices.js';
import type { Webhook } from '../../contract/jobs/webhook.js';
import type { ScheduleRecord } from '../../queue/schedules/schedule-record.js';
import { WebhookQueue } from '../../results/webhooks/webhook-queue.js';
import { invalid } from '../executions/requests.js';

type ReportedSchedule = Pick<ScheduleRecord, 'webhook' | 'rule' | 'updatedAt'>;

/** Refuses at once what no worker with the same settings would send. */
@Injectable()
export class WebhookCheck {
  constructor(
    private readonly queue: WebhookQueue,
    @InjectSettings(webhookSettings) private readonly settings: WebhookSettings,
  ) {}

  /** @throws {ProblemException} 400 naming the field. */
  check(webhook: Webhook | null | undefined, field = 'webhook'): void {
    if (webhook == null) return;
    if (this.settings.secrets.length === 0)
      throw invalid([{ field, message: 'cannot be used: WEBHOOK_SECRETS is not set, which signs messages' }]);
    const { endpoint } = webhook;
    if (endpoint != null && !this.settings.endpoints.has(endpoint)) {
      const known = [...this.settings.endpoints.keys()].join(', ') || 'none';
      throw invalid([{ field: `${field}.endpoint`, message: `is not one of WEBHOOK_ENDPOINTS: ${known}` }]);
    }
  }

  /** Has the end of a batch reported. */
  followBatch(batchId: string, webhook: Webhook): Promise<void> {
    return this.queue.addBatch(batchId, webhook);
  }

  /** Has the end of a schedule reported, where it has one and a receiver. */
  async followSchedule(id: string, { webhook, rule, updatedAt }: ReportedSchedule): Promise<void> {
    if (webhook == null || rule.end === null || updatedAt === null) return;
    await this.queue.addSchedule({ schedule: id, setAt: updatedAt }, new Date(rule.end), webhook);
  }

  /** Takes that back: the schedule is another now, or removed. */
  async leaveSchedule(id: string, { webhook, updatedAt }: ReportedSchedule): Promise<void> {
    if (webhook != null && updatedAt !== null)
      await this.queue.dropSchedule({ schedule: id, setAt: updatedAt });
  }
}
