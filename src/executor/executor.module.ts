import { Module } from '@nestjs/common';
import { ExecutorService } from './executor.service.js';
import { ProgramLoader } from './program-loader.js';
import { RunnerPool } from './runner-pool.js';

/** Runs user code in isolated processes. */
@Module({ providers: [ExecutorService, ProgramLoader, RunnerPool], exports: [ExecutorService, RunnerPool] })
export class ExecutorModule {}
