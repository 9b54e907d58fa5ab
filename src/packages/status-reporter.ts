import type { PackagesStatus } from '../contract/packages.js';

/** Where statuses go, see PackagesStore. */
export interface StatusSink {
  writeStatus(workerId: string, status: PackagesStatus): Promise<void>;
  removeStatus(workerId: string): Promise<void>;
}

/** Progress changes often; Redis gets it at most this often. */
const WRITE_INTERVAL_MS = 250;

/** Keeps what this worker says about its packages, and brings it to Redis without ever failing or being waited for. */
export class StatusReporter {
  private status: PackagesStatus = {
    state: 'none',
    set: null,
    wanted: null,
    manifest_hash: null,
    installed: [],
    failed: [],
    progress: 1,
    updated_at: new Date().toISOString(),
  };
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly sink: StatusSink,
    private readonly workerId: string,
  ) {}

  get current(): PackagesStatus {
    return this.status;
  }

  update(change: Partial<Omit<PackagesStatus, 'updated_at'>>): void {
    this.status = { ...this.status, ...change, updated_at: new Date().toISOString() };
    if (this.stopped) return;
    this.timer ??= setTimeout(() => void this.write(), WRITE_INTERVAL_MS).unref();
  }

  /** Renews the status in Redis, where it expires as a heartbeat does. */
  async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.stopped) await this.sink.writeStatus(this.workerId, this.status).catch(() => undefined);
  }

  /** Takes the status out of Redis. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sink.removeStatus(this.workerId).catch(() => undefined);
  }
}
