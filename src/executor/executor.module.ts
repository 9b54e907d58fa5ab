import { Module } from '@nestjs/common';
import { ArtifactsModule } from '../artifacts/artifacts.module.js';
import { CompileModule } from '../compile/compile.module.js';
import { PackagesModule } from '../packages/packages.module.js';
import { WorkspaceModule } from '../workspace/workspace.module.js';
import { ArtifactTaker } from './artifact-taker.js';
import { ExecutorService } from './executor.service.js';
import { RunnerPool } from './pool/runner-pool.js';
import { SelfTestService } from './self-test.service.js';

/** Runs user code in isolated processes. */
@Module({
  imports: [ArtifactsModule, CompileModule, WorkspaceModule, PackagesModule],
  providers: [ArtifactTaker, ExecutorService, RunnerPool, SelfTestService],
  exports: [ExecutorService, RunnerPool, SelfTestService, PackagesModule, CompileModule],
})
export class ExecutorModule {}
