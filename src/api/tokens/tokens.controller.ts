import { Body, Controller, Delete, Get, Header, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type CreatedToken,
  createdTokenSchema,
  type RevokedToken,
  revokedTokenSchema,
  type Token,
  type Tokens,
  tokensSchema,
} from '../../contract/tenants/access.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller, mayReach } from '../../tenants/access/caller.js';
import { isValidAt, type StoredToken, TokenStore } from '../../tenants/tokens/token-store.js';
import { invalid } from '../executions/requests.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { type TokenPath, tokenPathSchema, type TokenRequest, tokenRequestSchema } from './token-requests.js';

const UNKNOWN = 'Redis does not answer. Whether it was done is not known: look at GET /tokens, or try again';

/** Tokens of the API, beside API_TOKEN. An admin of some organizations sees and makes those of its own. */
@ApiTags('tokens')
@Controller('tokens')
@Access('admin', 'own')
export class TokensController {
  constructor(private readonly tokens: TokenStore) {}

  @Get()
  @ApiOperation({
    operationId: 'listTokens',
    summary: 'All tokens, also those that have ended, without their texts',
  })
  @ApiOkResponse({ standardSchema: tokensSchema })
  async list(@CalledBy() caller: Caller): Promise<Tokens> {
    const all = await withinRedisLimit(this.tokens.list());
    return { tokens: all.filter((one) => reaches(caller, one)).map(viewOf) };
  }

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({ operationId: 'createToken', summary: 'Make a token: only this answer shows its text' })
  @ApiCreatedResponse({ standardSchema: createdTokenSchema })
  async create(
    @CalledBy() caller: Caller,
    @Body({ schema: tokenRequestSchema }) request: TokenRequest,
  ): Promise<CreatedToken> {
    const { organizations = null, expires_at: end } = request;
    if (!reaches(caller, { organizations })) {
      const message = `must be some of ${caller.organizations?.join(', ')}: a token makes none that reaches further`;
      throw invalid([{ field: 'organizations', message }]);
    }
    if (end != null && Date.parse(end) <= Date.now())
      throw invalid([{ field: 'expires_at', message: 'is over already' }]);
    const { stored, text } = await withinRedisLimit(this.tokens.create(request, caller.name), UNKNOWN);
    return { ...viewOf(stored), token: text };
  }

  /** In effect at once, at the latest after 5 s; sessions that were begun with it end too. */
  @Delete(':id')
  @ApiOperation({ operationId: 'revokeToken', summary: 'Revoke a token' })
  @ApiOkResponse({ standardSchema: revokedTokenSchema })
  async revoke(
    @CalledBy() caller: Caller,
    @Param({ schema: tokenPathSchema }) { id }: TokenPath,
  ): Promise<RevokedToken> {
    const known = await withinRedisLimit(this.tokens.find(id));
    if (known && reaches(caller, known) && (await withinRedisLimit(this.tokens.revoke(id), UNKNOWN)))
      return { id, revoked: true };
    throw new ProblemException('not-found', `There is no token ${id}`);
  }
}

/** Whether a token may do nothing that the caller may not. Roles need no check: the caller is an admin. */
const reaches = (caller: Caller, { organizations }: Pick<StoredToken, 'organizations'>): boolean =>
  organizations === null
    ? caller.organizations === null
    : organizations.every((one) => mayReach(caller, one));

function viewOf(token: StoredToken): Token {
  const { hash: _, ...shown } = token;
  return { ...shown, expired: !isValidAt(token, Date.now()) };
}
