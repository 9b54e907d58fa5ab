import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ArtifactSettings, artifactSettings } from '../config/slices.js';
import { firstDayKept } from './artifact-folders.js';
import { ARTIFACT_STORE, type ArtifactStore } from './artifact-store.js';

const FIRST_MS = 60_000;
const INTERVAL_MS = 3_600_000;

/** Removes artifacts whose executions the history no longer has. Any number of processes may do so at once. */
@Injectable()
export class ArtifactSweep implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ArtifactSweep.name);
  private timer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(ARTIFACT_STORE) private readonly store: ArtifactStore,
    @InjectSettings(artifactSettings) private readonly settings: ArtifactSettings,
  ) {}

  onModuleInit(): void {
    this.plan(FIRST_MS);
  }

  onApplicationShutdown(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  /** @throws {StoreError} */
  async sweep(now: Date): Promise<void> {
    const { retentionMs } = this.settings;
    if (retentionMs !== null) await this.store.removeBefore(firstDayKept(now, retentionMs));
  }

  private plan(delayMs: number): void {
    const run = async (): Promise<void> => {
      await this.sweep(new Date()).catch((error: Error) =>
        this.logger.warn({ msg: 'old artifacts could not be removed', reason: error.message }),
      );
      if (this.timer) this.plan(INTERVAL_MS);
    };
    this.timer = setTimeout(() => void run(), delayMs).unref();
  }
}
