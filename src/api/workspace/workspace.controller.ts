import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { sha256 } from '../../lib/sha256.js';
import { Publisher } from '../../workspace/publisher.js';
import { WorkspaceStore } from '../../workspace/workspace.store.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { withProblems } from './workspace-problems.js';
import { WorkspacePublication } from './workspace-publication.service.js';
import {
  type DiffQuery,
  diffQuerySchema,
  type FilePath,
  filePathSchema,
  type PublishRequest,
  publishRequestSchema,
  type RollbackRequest,
  rollbackRequestSchema,
  type SourcesRequest,
  sourcesRequestSchema,
  type WorkspaceQuery,
  workspaceQuerySchema,
} from './workspace-requests.js';
import {
  type GenerationRecord,
  generationSchema,
  type Publication,
  publicationSchema,
  type StoredSources,
  storedSourcesSchema,
  type GenerationDiff,
  workspaceDiffSchema,
  type WorkspaceView,
  workspaceViewSchema,
} from '../../contract/workspace.js';

/** A large map takes longer to read than a record. */
const READ_LIMIT_MS = 5_000;
/** A first publish compiles the whole workspace. */
const PUBLISH_LIMIT_MS = 600_000;
const LOG_LENGTH = 50;

/** The workspace: modules that executions import, in generations. */
@ApiTags('workspace')
@Controller('workspace')
export class WorkspaceController {
  constructor(
    private readonly store: WorkspaceStore,
    private readonly publisher: Publisher,
    private readonly publication: WorkspacePublication,
  ) {}

  /** The current generation or another one, and the latest that were published. */
  @Get()
  @Access('read', 'everything')
  @ApiOperation({
    operationId: 'getWorkspace',
    summary: 'A generation of the workspace, and those before it',
  })
  @ApiOkResponse({ standardSchema: workspaceViewSchema })
  async find(@Query({ schema: workspaceQuerySchema }) query: WorkspaceQuery): Promise<WorkspaceView> {
    return this.within(READ_LIMIT_MS, async () => {
      const [current, log] = await Promise.all([this.store.current(), this.store.list(LOG_LENGTH)]);
      const generation = query.generation ?? current;
      if (!query.paths) return { current, generation, log };
      const paths = generation === null ? new Map<string, string>() : await this.store.pathsOf(generation);
      return { current, generation, log, paths: Object.fromEntries(paths) };
    });
  }

  /** Makes a new generation and the current one of it, in one step. */
  @Put()
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'publishWorkspace', summary: 'Publish a new generation' })
  @ApiOkResponse({ standardSchema: publicationSchema })
  async publish(@Body({ schema: publishRequestSchema }) request: PublishRequest): Promise<Publication> {
    this.requireGenerations();
    return this.within(PUBLISH_LIMIT_MS, () => this.publication.publish(request));
  }

  /** Takes sources that a publish will name by their hashes; without one they are gone after a day. */
  @Put('sources')
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'sendWorkspaceSources', summary: 'Send sources that a publish will name' })
  @ApiOkResponse({ standardSchema: storedSourcesSchema })
  async send(@Body({ schema: sourcesRequestSchema }) { sources }: SourcesRequest): Promise<StoredSources> {
    this.requireGenerations();
    return this.within(READ_LIMIT_MS, async () => ({ hashes: await this.publisher.keepSources(sources) }));
  }

  /** Which paths differ between two generations. */
  @Get('diff')
  @Access('read', 'everything')
  @ApiOperation({ operationId: 'getWorkspaceDiff', summary: 'Which paths differ between two generations' })
  @ApiOkResponse({ standardSchema: workspaceDiffSchema })
  async diff(@Query({ schema: diffQuerySchema }) { from, to }: DiffQuery): Promise<GenerationDiff> {
    return this.within(READ_LIMIT_MS, () => this.store.diff(from, to));
  }

  /** Publishes the files of an earlier generation again, under a new number. */
  @Post('rollback')
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'rollBackWorkspace', summary: 'Publish an earlier generation again' })
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: generationSchema })
  async rollback(
    @Body({ schema: rollbackRequestSchema }) request: RollbackRequest,
  ): Promise<GenerationRecord> {
    const { generation, expected, message, author } = request;
    this.requireGenerations();
    return this.within(PUBLISH_LIMIT_MS, () =>
      this.publisher.rollback(generation, {
        ...(expected === undefined ? {} : { expected }),
        ...(message === undefined ? {} : { message }),
        ...(author === undefined ? {} : { author }),
      }),
    );
  }

  /** One file as it was published. */
  @Get(':generation/files/*')
  @Access('read', 'everything')
  @ApiOperation({ operationId: 'getWorkspaceFile', summary: 'One file as it was published' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'The source', schema: { type: 'string' } })
  async readFile(
    @Param({ schema: filePathSchema }) { generation, '*': path }: FilePath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const source = await this.within(READ_LIMIT_MS, async () => {
      const wanted = generation === 'current' ? await this.store.current() : generation;
      return wanted === null ? null : this.store.readFile(wanted, path);
    });
    if (source === null)
      throw new ProblemException('not-found', `Generation ${generation} has no file ${path}`);
    // A source is data here: no browser may take it for a page or a script.
    reply
      .type('text/plain; charset=utf-8')
      .header('x-content-type-options', 'nosniff')
      .header('etag', `"${sha256(source)}"`);
    return source;
  }

  private requireGenerations(): void {
    if (!this.store.isLive) return;
    throw new ProblemException(
      'conflict',
      'The workspace is what another program keeps (WORKSPACE_SOURCE=modules): nothing can be published to it',
    );
  }

  private within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    return withinRedisLimit(withProblems(work()), undefined, limitMs);
  }
}
