import { Module } from '@nestjs/common';
import { type ArtifactSettings, artifactSettings } from '../config/slices.js';
import { ARTIFACT_STORE, type ArtifactStore } from './artifact-store.js';
import { ArtifactSweep } from './artifact-sweep.js';
import { FolderStore } from './folder-store.js';
import { S3Store } from './s3-store.js';

/** Where what executions leave is kept: workers write to it, the API reads from it. */
@Module({
  providers: [
    {
      provide: ARTIFACT_STORE,
      inject: [artifactSettings.KEY],
      useFactory: ({ s3, dir }: ArtifactSettings): ArtifactStore =>
        s3 === null ? new FolderStore(dir) : new S3Store(s3),
    },
    ArtifactSweep,
  ],
  exports: [ARTIFACT_STORE],
})
export class ArtifactsModule {}
