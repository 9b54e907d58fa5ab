import type { FactoryProvider } from '@nestjs/common';
import { inOrder, type Service, together } from '../../lib/service.js';
import { PackagesService } from '../../packages/packages.service.js';
import { WorkerLease } from '../../results/worker-lease.js';
import { CancelListener } from '../cancel.listener.js';
import { ControlListener } from '../control.listener.js';
import { QueueConsumer } from '../queue-consumer.js';
import { ConsumptionWatch } from './consumption-watch.js';
import { LaneBeat } from './lane-beat.js';
import { WorkerHeartbeat } from './worker-heartbeat.js';
import { WorkerRunners } from './worker-runners.js';

/** Everything that lives as long as the worker, as one service. */
export const WORKER_SERVICES = Symbol('WorkerServices');

/**
 * What a worker starts, in this order, and stops in the reverse:
 * 1. its lease and its heartbeat, by which others see it;
 * 2. what work needs: runners, packages, and the commands of operators, which a client that sees the worker as active
 *    may send;
 * 3. the work: requests to cancel, the order of executions, the queue, and what sees whether work is taken.
 */
export const workerServices: FactoryProvider<Service> = {
  provide: WORKER_SERVICES,
  inject: [
    WorkerLease,
    WorkerHeartbeat,
    WorkerRunners,
    PackagesService,
    ControlListener,
    CancelListener,
    LaneBeat,
    QueueConsumer,
    ConsumptionWatch,
  ],
  useFactory: (
    lease: Service,
    heartbeat: Service,
    runners: Service,
    packages: Service,
    control: Service,
    cancels: Service,
    lanes: Service,
    queue: Service,
    watch: Service,
  ) => inOrder(lease, heartbeat, together(runners, packages, control), cancels, lanes, queue, watch),
};
