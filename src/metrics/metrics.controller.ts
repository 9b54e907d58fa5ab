import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Access } from '../tenants/access/access.decorator.js';
import { Instruments } from './instruments.js';

/** The figures of this process, for Prometheus: docs/metrics.md. */
@ApiTags('metrics')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly instruments: Instruments) {}

  @Get()
  @Access('read', 'everything')
  @ApiOperation({ operationId: 'getMetrics', summary: 'The figures of this process, for Prometheus' })
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'Text format of Prometheus', schema: { type: 'string' } })
  read(): Promise<string> {
    return this.instruments.render();
  }
}
