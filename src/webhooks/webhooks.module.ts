import { type DynamicModule, Module } from '@nestjs/common';
import { WebhookSender } from './webhook-sender.js';

/** Reports the end of executions and batches to receivers of their submitters. */
@Module({})
export class WebhooksModule {
  /** @param queue the application's own queue module, which exports what keeps the messages */
  static register(queue: DynamicModule): DynamicModule {
    return { module: WebhooksModule, imports: [queue], providers: [WebhookSender] };
  }
}
