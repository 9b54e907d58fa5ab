import { Injectable } from '@nestjs/common';
import type { ControlAnswer, ControlMessage } from '../contract/control.js';
import { RunnerPool } from '../executor/pool/runner-pool.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { QueueConsumer } from './queue-consumer.js';

/** What came of a command: what was done, or why it was not. */
export type CommandOutcome = Pick<ControlAnswer, 'obeyed' | 'detail'>;

/** Runs the commands that operators send to this worker. A command that does not fit its state changes nothing. */
@Injectable()
export class OperatorCommands {
  constructor(
    private readonly state: WorkerStateHolder,
    private readonly consumer: QueueConsumer,
    private readonly pool: RunnerPool,
  ) {}

  async handle({ command, pid }: ControlMessage): Promise<CommandOutcome> {
    switch (command) {
      case 'pause':
        return this.pause();
      case 'resume':
        return this.resume();
      case 'recycle':
      case 'recycle_runner':
        return this.recycle(pid);
      case 'drain':
      case 'shutdown':
        return this.stop();
    }
  }

  private async pause(): Promise<CommandOutcome> {
    if (this.state.current === 'PAUSED') return done('is paused already');
    if (this.state.current !== 'ACTIVE') return this.refuse();
    this.state.enter('PAUSED');
    await this.consumer.pause();
    return done(`paused; ${this.consumer.running} running`);
  }

  private async resume(): Promise<CommandOutcome> {
    if (this.state.current === 'ACTIVE') return done('is active already');
    if (this.state.current !== 'PAUSED') return this.refuse();
    this.state.enter('ACTIVE');
    await this.consumer.resume();
    return done('resumed');
  }

  private recycle(pid: number | undefined): CommandOutcome {
    const count = this.pool.recycle(pid);
    if (pid === undefined) return done(`${count} ${count === 1 ? 'runner is' : 'runners are'} replaced`);
    return count > 0
      ? done(`runner ${pid} is replaced`)
      : { obeyed: false, detail: `no runner has the pid ${pid}` };
  }

  /** The one way down: the same as an orchestrator's, with the same deadline. */
  private stop(): CommandOutcome {
    // After the answer is out; a signal that came before would cut its connection.
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), STOP_DELAY_MS).unref();
    return done(`drains and stops; ${this.consumer.running} running`);
  }

  private refuse(): CommandOutcome {
    return { obeyed: false, detail: `does not fit the state ${this.state.current}` };
  }
}

const STOP_DELAY_MS = 50;
const done = (detail: string): CommandOutcome => ({ obeyed: true, detail });
