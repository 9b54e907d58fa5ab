import { Inject, Injectable, Logger } from '@nestjs/common';
import { collectArtifacts, ArtifactRefusedError, leftArtifacts } from '../artifacts/artifact-collector.js';
import { attemptFolder, type AttemptPlace } from '../artifacts/artifact-folders.js';
import { ARTIFACT_STORE, type ArtifactStore } from '../artifacts/artifact-store.js';
import type { Soon } from '../lib/soon.js';
import { InjectSettings } from '../config/config.module.js';
import { type ArtifactSettings, artifactSettings } from '../config/slices.js';
import type { Artifact } from '../contract/fields/artifacts.js';
import type { Finding } from '../outcome/judge.js';
import type { Redactor } from '../outcome/redaction/redactor.js';
import type { RunnerLease } from './pool/runner-lease.js';

/** What became of what a run left. */
export interface Harvest {
  artifacts: readonly Artifact[];
  /** Why nothing of it, or not all, was kept; null: all was. */
  fault: Finding | null;
}

const NOTHING: Harvest = { artifacts: [], fault: null };

/** Takes artifacts from runners into the store. */
@Injectable()
export class ArtifactTaker {
  private readonly logger = new Logger(ArtifactTaker.name);

  constructor(
    @Inject(ARTIFACT_STORE) private readonly store: ArtifactStore,
    @InjectSettings(artifactSettings) private readonly settings: ArtifactSettings,
  ) {}

  /** To be called when the run is over, and before its runner is given back. Never rejects. */
  take(lease: RunnerLease, attempt: AttemptPlace, redactor: Redactor): Soon<Harvest> {
    return lease.leftNothing ? NOTHING : this.takeFrom(lease, attempt, redactor);
  }

  private async takeFrom({ slot }: RunnerLease, attempt: AttemptPlace, redactor: Redactor): Promise<Harvest> {
    const { runner } = slot;
    const scratch = runner.place.pathOf(slot.scratch);
    // A thread that could not be ended may go on writing.
    if (scratch === null || slot.end?.stuck) return NOTHING;
    const harvest = await this.collect(scratch, attempt, {
      uid: runner.place.uid,
      mayShow: (name) => redactor.text(name) === name,
    });
    // Its folder can only be emptied by itself, which leaves artifacts alone.
    if (!runner.place.onDisk && harvest !== NOTHING) runner.markUnfit('artifacts');
    return harvest;
  }

  private async collect(
    scratch: string,
    attempt: AttemptPlace,
    file: { uid: number | null; mayShow: (name: string) => boolean },
  ): Promise<Harvest> {
    try {
      if (!leftArtifacts(scratch)) return NOTHING;
      const folder = attemptFolder(attempt);
      const artifacts = await collectArtifacts(scratch, this.store, this.settings, { folder, ...file });
      return artifacts.length === 0 ? NOTHING : { artifacts, fault: null };
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof ArtifactRefusedError)
        return { artifacts: [], fault: { code: 'ARTIFACT_REFUSED', message, exitCode: 1 } };
      const { executionId } = attempt;
      this.logger.error({ msg: 'artifacts could not be stored', executionId, reason: message });
      return {
        artifacts: [],
        fault: {
          code: 'ARTIFACT_STORE_FAILED',
          message: 'The artifacts of the execution could not be stored; the log of its worker says why',
          exitCode: 1,
        },
      };
    }
  }
}
