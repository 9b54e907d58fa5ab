import { Module } from '@nestjs/common';
import { ContextService } from './context.service.js';

/** Loads and validates execution contexts. */
@Module({ providers: [ContextService], exports: [ContextService] })
export class ContextModule {}
