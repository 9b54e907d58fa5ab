import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { InjectSettings } from '../../config/config.module.js';
import { type PackagesSettings, packagesSettings } from '../../config/slices.js';
import { packageManifestSchema, type PackagesOverview } from '../../contract/packages.js';
import { parseManifest } from '../../packages/manifest.js';
import { type ManifestReading, PackagesStore, readingOf } from '../../packages/packages.store.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { manifestView, packagesViewSchema, refusedLines } from './packages-view.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { refuseUnknown } from '../http/unknown-fields.js';
import { invalid } from '../executions/requests.js';

/** Body of `PUT /packages`; the hash is ours to compute. */
const packagesRequestSchema = refuseUnknown(z.object({ content: packageManifestSchema.shape.content })).meta({
  id: 'PackagesRequest',
  example: { content: '# nothing yet\n' },
});

/** The npm packages that executions may import: the manifest in, what each worker has of it out. */
@ApiTags('packages')
@Controller('packages')
export class PackagesController {
  constructor(
    private readonly store: PackagesStore,
    @InjectSettings(packagesSettings) private readonly settings: PackagesSettings,
  ) {}

  /** The manifest, and how far each live worker is with it. */
  @Get()
  @Access('read', 'shared')
  @ApiOperation({
    operationId: 'getPackages',
    summary: 'The package manifest, and how far each worker is with it',
  })
  @ApiOkResponse({ standardSchema: packagesViewSchema })
  find(): Promise<PackagesOverview> {
    return withinRedisLimit(this.store.readManifest().then((reading) => this.overview(reading)));
  }

  /**
   * Replaces the manifest; every worker installs what it asks for, without a restart. One bad line
   * rejects the whole manifest, because the sender can fix it: nothing is published then.
   */
  @Put()
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'replacePackages', summary: 'Replace the package manifest' })
  @ApiOkResponse({ standardSchema: packagesViewSchema })
  replace(
    @Body({ schema: packagesRequestSchema }) { content }: z.infer<typeof packagesRequestSchema>,
  ): Promise<PackagesOverview> {
    const { refused } = parseManifest(content, this.settings.maxCount);
    if (refused.length > 0) throw invalid(refusedLines(refused));
    return withinRedisLimit(
      this.store.publishManifest(content).then((manifest) => this.overview(readingOf(manifest))),
      'Redis does not answer. Whether the manifest was published is not known: check GET /packages, or send it again',
    );
  }

  private async overview(reading: ManifestReading): Promise<PackagesOverview> {
    const ids = (await this.store.listWorkers()).toSorted();
    const statuses = await this.store.listStatuses(ids);
    const byWorker = new Map(statuses.map(({ worker_id: id, status }) => [id, status]));
    return {
      ...manifestView(reading, this.settings.maxCount),
      workers: ids.map((id) => ({ worker_id: id, status: byWorker.get(id) ?? null })),
    };
  }
}
