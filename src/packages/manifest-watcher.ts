import type { Service } from '../lib/service.js';
import { pause } from '../lib/time-limit.js';
import type { ChangeSubscription, ManifestReading } from './packages.store.js';

/** The part of PackagesStore that is needed here. */
export interface ManifestSource {
  readManifest(): Promise<ManifestReading>;
  watchChanges(onChange: () => void): ChangeSubscription;
}

export interface WatcherEvents {
  /** After each successful look, changed or not. */
  onReading: (reading: ManifestReading) => void;
  /** One look failed; `attempt` counts from 1 as long as they fail. */
  onFailure: (attempt: number, error: Error) => void;
}

export interface WatcherTiming {
  /** Between two looks that found Redis. */
  intervalMs: number;
  /** Between the first failed looks. */
  retryMs: number;
}

/** After this many failed reads in a row the start no longer waits for Redis. */
export const START_ATTEMPTS = 3;

/**
 * Looks at the manifest: at the start, on every change message, after every reconnection, and every
 * interval, because a message can be lost. While Redis is away it looks on.
 */
export class ManifestWatcher implements Service {
  private readonly stopping = new AbortController();
  private nap = new AbortController();
  private again = false;
  private running: Promise<void> | undefined;
  private subscription: ChangeSubscription | undefined;

  constructor(
    private readonly source: ManifestSource,
    private readonly events: WatcherEvents,
    private readonly timing: WatcherTiming,
  ) {}

  /** Begins to look; a second call does nothing. */
  start(): void {
    if (this.running || this.stopping.signal.aborted) return;
    this.running = this.run();
    this.subscription = this.source.watchChanges(() => this.look());
  }

  /** Returns when no callback will come any more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.nap.abort();
    this.subscription?.stop();
    await this.running;
  }

  private look(): void {
    this.again = true;
    this.nap.abort();
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopping.signal.aborted) {
      this.again = false;
      this.nap = new AbortController();
      try {
        const reading = await this.source.readManifest();
        if (this.stopping.signal.aborted) return;
        failures = 0;
        this.events.onReading(reading);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        failures += 1;
        this.events.onFailure(failures, error as Error);
      }
      if (this.again) continue;
      const early = failures > 0 && failures < START_ATTEMPTS;
      await this.rest(early ? this.timing.retryMs : this.timing.intervalMs);
    }
  }

  private async rest(ms: number): Promise<void> {
    await pause(ms, this.nap.signal);
  }
}
