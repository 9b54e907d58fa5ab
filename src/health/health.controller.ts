import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { Access, Open } from '../tenants/access/access.decorator.js';
import { LIVENESS, READINESS, type Readiness } from './probes.js';

/** Kubernetes-style probes, which need no token, and `/health`, which follows the access rules of the API. */
@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    @Inject(LIVENESS) private readonly liveness: Readiness,
    @Inject(READINESS) private readonly readiness: Readiness,
  ) {}

  /** 200 while the event loop turns, which an answer proves, and the process can get well by itself; else 503 with the reason. */
  @Get('live')
  @Open()
  @ApiOperation({ operationId: 'getLiveness', summary: 'Whether the process is alive' })
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([...this.liveness]);
  }

  /** 200 while this process should be sent work, else 503 with the reason. */
  @Get('ready')
  @Open()
  @ApiOperation({ operationId: 'getReadiness', summary: 'Whether the process should be sent work' })
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([...this.readiness]);
  }

  /** Everything that is known, for people. */
  @Get()
  @Access('read', 'everything')
  @ApiOperation({ operationId: 'getHealth', summary: 'Everything that the probes know' })
  @HealthCheck()
  all(): Promise<HealthCheckResult> {
    return this.health.check([...this.readiness]);
  }
}
