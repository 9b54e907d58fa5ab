import { Inject, Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { attemptFolder } from '../../artifacts/artifact-folders.js';
import { ARTIFACT_STORE, type ArtifactStore } from '../../artifacts/artifact-store.js';
import { InjectSettings } from '../../config/config.module.js';
import { type ArtifactSettings, artifactSettings } from '../../config/slices.js';
import type { Artifact } from '../../contract/fields/artifacts.js';
import type { ExecutionResult } from '../../contract/result.js';
import { ExecutionLookup } from '../executions/execution-lookup.service.js';
import { unknownExecution } from '../executions/executions.controller.js';
import { ProblemException } from '../http/problem.js';
import { withinStore } from './store-bound.js';
import { ArtifactLinks } from './artifact-links.js';
import type { ArtifactsView } from './artifact-requests.js';

/** What executions left, by what their results say. */
@Injectable()
export class ArtifactsService {
  constructor(
    private readonly lookup: ExecutionLookup,
    @Inject(ARTIFACT_STORE) private readonly store: ArtifactStore,
    private readonly links: ArtifactLinks,
    @InjectSettings(artifactSettings) private readonly settings: ArtifactSettings,
  ) {}

  /** @throws {ProblemException} 404 for an unknown execution, 503 without Redis. */
  async list(id: string): Promise<ArtifactsView> {
    const result = await this.resultOf(id);
    if (result === null) return { execution_id: id, ended: false, artifacts: [] };
    const expiresAt = new Date(Math.floor(Date.now() / 1000) * 1000 + this.settings.linkMs);
    const folder = folderOf(result);
    const linked = (result.artifacts ?? []).map(async (artifact) => ({
      ...artifact,
      url:
        (await this.store.link(folder, artifact, this.settings.linkMs)) ??
        this.links.linkTo({ id, name: artifact.name }, expiresAt),
      expires_at: expiresAt.toISOString(),
    }));
    return { execution_id: id, ended: true, artifacts: await Promise.all(linked) };
  }

  /** @throws {ProblemException} 404 where it is not, or not any more; 503 without Redis or the store. */
  async open(id: string, name: string): Promise<{ artifact: Artifact; bytes: Readable }> {
    const result = await this.resultOf(id);
    const artifact = result?.artifacts?.find((one) => one.name === name);
    if (!result || !artifact)
      throw new ProblemException('not-found', `The execution ${id} has no artifact of this name`);
    const bytes = await withinStore(this.store.open(folderOf(result), artifact));
    if (bytes !== null) return { artifact, bytes };
    throw new ProblemException(
      'not-found',
      `The artifact is not in the store of this process: it is older than the history is kept, or ARTIFACTS_DIR is not that of the worker`,
    );
  }

  private async resultOf(id: string): Promise<ExecutionResult | null> {
    const progress = await this.lookup.findEnded(id);
    if (progress.state === 'unknown') throw unknownExecution(id);
    return progress.state === 'ended' ? progress.result : null;
  }
}

/** Folder of the attempt that the result is of. */
const folderOf = ({ execution_id, run = 1, attempt, started_at }: ExecutionResult): string =>
  attemptFolder({ executionId: execution_id, run, attempt, startedAt: new Date(started_at) });
