import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type RemovedSecret,
  removedSecretSchema,
  type RotatedSecrets,
  rotatedSecretsSchema,
  type Secret,
  secretSchema,
  type Secrets,
  secretsSchema,
} from '../../contract/tenants/secret.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { NoSecretsKeyError, SecretStore } from '../../tenants/secrets/secret-store.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import {
  type SecretPath,
  secretPathSchema,
  type SecretRequest,
  secretRequestSchema,
  type SecretsPath,
  secretsPathSchema,
} from './secret-requests.js';

/** A store of thousands of secrets is encrypted anew in some seconds. */
const ROTATION_LIMIT_MS = 60_000;
const UNDONE = 'Redis does not answer. Whether it was done is not known: list the secrets, or try again';

/** Secrets of organizations, which executions name in `secret_names`. No route answers with a value. */
@ApiTags('secrets')
@Controller()
export class SecretsController {
  constructor(private readonly secrets: SecretStore) {}

  @Get('organizations/:organization/secrets')
  @Access('read', 'organization')
  @ApiOperation({ operationId: 'listSecrets', summary: 'Names of the secrets of an organization' })
  @ApiOkResponse({ standardSchema: secretsSchema })
  async list(@Param({ schema: secretsPathSchema }) { organization }: SecretsPath): Promise<Secrets> {
    return { secrets: await withinRedisLimit(this.secrets.list(organization)) };
  }

  /** Executions that begin from now on get this value. */
  @Put('organizations/:organization/secrets/:name')
  @Access('operate', 'organization')
  @ApiOperation({ operationId: 'setSecret', summary: 'Keep a secret, encrypted' })
  @ApiOkResponse({ standardSchema: secretSchema })
  set(
    @Param({ schema: secretPathSchema }) place: SecretPath,
    @Body({ schema: secretRequestSchema }) { value }: SecretRequest,
  ): Promise<Secret> {
    return withKey(withinRedisLimit(this.secrets.set(place, value), UNDONE));
  }

  @Delete('organizations/:organization/secrets/:name')
  @Access('operate', 'organization')
  @ApiOperation({ operationId: 'removeSecret', summary: 'Remove a secret' })
  @ApiOkResponse({ standardSchema: removedSecretSchema })
  async remove(@Param({ schema: secretPathSchema }) place: SecretPath): Promise<RemovedSecret> {
    if (await withinRedisLimit(this.secrets.remove(place), UNDONE)) return { ...place, removed: true };
    throw new ProblemException('not-found', `There is no secret ${place.name} of ${place.organization}`);
  }

  @Post('secrets/rotate')
  @HttpCode(200)
  @Access('admin', 'everything')
  @ApiOperation({
    operationId: 'rotateSecrets',
    summary: 'Encrypt all secrets anew, with the first key of SECRETS_KEY',
  })
  @ApiOkResponse({ standardSchema: rotatedSecretsSchema })
  rotate(): Promise<RotatedSecrets> {
    return withKey(withinRedisLimit(this.secrets.rotate(), UNDONE, ROTATION_LIMIT_MS));
  }
}

async function withKey<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof NoSecretsKeyError ? new ProblemException('conflict', error.message) : error;
  }
}
