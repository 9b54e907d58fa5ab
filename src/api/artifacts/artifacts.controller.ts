import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { contentDisposition } from '../../artifacts/content-disposition.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { type IdPath, idPathSchema } from '../executions/requests.js';
import {
  type ArtifactPath,
  artifactPathSchema,
  artifactQuerySchema,
  type ArtifactsView,
  artifactsViewSchema,
} from './artifact-requests.js';
import { ArtifactsService } from './artifacts.service.js';

/** Users made the content: a browser is neither to show nor to run it here. */
const HARMLESS = {
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-store',
};

/** Files that executions left. */
@ApiTags('artifacts')
@Controller('executions')
export class ArtifactsController {
  constructor(private readonly artifacts: ArtifactsService) {}

  @Get(':id/artifacts')
  @Access('read', 'execution')
  @ApiOperation({ operationId: 'listArtifacts', summary: 'Files that an execution left, with links' })
  @ApiOkResponse({ standardSchema: artifactsViewSchema })
  list(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<ArtifactsView> {
    return this.artifacts.list(id);
  }

  /** The whole content; `etag` is its SHA-256. A connection that breaks ends before content-length. */
  @Get(':id/artifacts/:name')
  @Access('read', 'execution')
  @ApiOperation({ operationId: 'getArtifact', summary: 'The content of an artifact' })
  @ApiProduces('*/*')
  @ApiOkResponse({
    description: 'Its bytes, under its own media type',
    schema: { type: 'string' },
  })
  async read(
    @Param({ schema: artifactPathSchema }) { id, name }: ArtifactPath,
    // Whether a link is right is decided before: access-policy.ts.
    @Query({ schema: artifactQuerySchema }) _link: object,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { artifact, bytes } = await this.artifacts.open(id, name);
    await reply
      .headers({
        ...HARMLESS,
        'content-type': artifact.type,
        'content-length': artifact.bytes,
        'content-disposition': contentDisposition(artifact.name),
        etag: `"${artifact.sha256}"`,
      })
      .send(bytes);
  }
}
