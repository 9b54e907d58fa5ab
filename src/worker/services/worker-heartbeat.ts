import { Injectable } from '@nestjs/common';
import { HeartbeatService } from '../../heartbeat/heartbeat.service.js';
import type { Service } from '../../lib/service.js';
import { PackagesService } from '../../packages/packages.service.js';
import { WorkerLease } from '../../results/worker-lease.js';
import { QueueConsumer } from '../queue-consumer.js';
import { WorkerRunners } from './worker-runners.js';

/** The heartbeat of this worker, with what its other parts know of it. */
@Injectable()
export class WorkerHeartbeat implements Service {
  constructor(
    private readonly heartbeat: HeartbeatService,
    private readonly lease: WorkerLease,
    private readonly runners: WorkerRunners,
    private readonly packages: PackagesService,
    private readonly consumer: QueueConsumer,
  ) {
    runners.onChange(() => heartbeat.touch());
  }

  async start(): Promise<void> {
    await this.heartbeat.start(() => {
      const { set, state, failed } = this.packages.status;
      return {
        running: this.consumer.running,
        lease: this.lease.owner,
        ...this.runners.record,
        package_set: set,
        packages: { state, failed: failed.length },
      };
    });
  }

  async stop(): Promise<void> {
    await this.heartbeat.stop();
  }
}
