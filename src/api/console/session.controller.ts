import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { InjectSettings } from '../../config/config.module.js';
import { type HttpSettings, httpSettings } from '../../config/slices.js';
import { VERSION } from '../../lib/version.js';
import { type Session, sessionSchema } from '../../contract/tenants/access.js';
import { type Caller, callerOf, LOCAL_CALLER } from '../../tenants/access/caller.js';
import { Open } from '../../tenants/access/access.decorator.js';
import { TokenDirectory } from '../../tenants/tokens/token-directory.js';
import { tokenIdIn } from '../../tenants/tokens/token-text.js';
import { callerByToken, callerOfSession } from '../http/access-policy.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { SESSION_SECONDS, sessionIn, sessionValue, setSessionCookie } from '../http/session-cookie.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const sessionRequestSchema = refuseUnknown(
  z.object({
    token: z.string({ error: 'must be a string' }).max(4_096, { error: 'must have at most 4096 characters' }),
  }),
).meta({ id: 'SessionRequest', example: { token: 'the API_TOKEN' } });

/** The session of a browser: a cookie that stands for the token, which no script can read. */
@ApiTags('session')
@Controller('session')
@Open()
export class SessionController {
  constructor(
    @InjectSettings(httpSettings) private readonly settings: Pick<HttpSettings, 'token'>,
    private readonly tokens: TokenDirectory,
  ) {}

  /** Needs no token, and renews a session of which half is over. */
  @Get()
  @ApiOperation({
    operationId: 'getSession',
    summary: 'Whether a token is wanted, whether the session of this browser is open, and what it may do',
  })
  @ApiOkResponse({ standardSchema: sessionSchema })
  async find(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Session> {
    void reply.header('cache-control', 'no-store');
    const { token } = this.settings;
    if (token === undefined) return sessionOf(callerOf(request) ?? LOCAL_CALLER, false);
    const session = sessionIn(request.headers.cookie, token, Date.now());
    const caller = session && callerOfSession(session, await this.findToken(session.tokenId));
    if (caller === null) return sessionOf(null, true);
    if (session && session.secondsLeft < SESSION_SECONDS / 2)
      this.begin(token, session.tokenId, request, reply);
    return sessionOf(caller, true);
  }

  /** With API_TOKEN, or any other token that is valid. @throws {ProblemException} 401 for one that is not. */
  @Post()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'beginSession',
    summary: 'Begin a session with a token: the answer sets a cookie',
  })
  @ApiNoContentResponse({ description: 'The session has begun' })
  async open(
    @Body({ schema: sessionRequestSchema }) { token: given }: z.infer<typeof sessionRequestSchema>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { token } = this.settings;
    if (token === undefined) return;
    const known = await this.findToken(tokenIdIn(given));
    const caller = callerByToken(given, token, known);
    this.begin(token, caller.id === known?.id ? known.id : null, request, reply);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ operationId: 'endSession', summary: 'End the session of this browser' })
  @ApiNoContentResponse({ description: 'It has ended' })
  close(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.header('set-cookie', setSessionCookie('', isSecure(request)));
  }

  private async findToken(id: string | null) {
    return id === null ? null : withinRedisLimit(this.tokens.find(id));
  }

  private begin(token: string, tokenId: string | null, request: FastifyRequest, reply: FastifyReply): void {
    const cookie = setSessionCookie(sessionValue(token, Date.now(), tokenId), isSecure(request));
    void reply.header('set-cookie', cookie).header('cache-control', 'no-store');
  }
}

/** @param caller null: the session is not open */
const sessionOf = (caller: Caller | null, required: boolean): Session => ({
  required,
  open: caller !== null,
  version: caller === null ? null : VERSION,
  name: caller?.name ?? null,
  role: caller?.role ?? null,
  organizations: caller?.organizations ? [...caller.organizations] : null,
});

/** What a proxy says of itself makes the cookie stricter at most. */
const isSecure = ({ headers, protocol }: FastifyRequest): boolean =>
  protocol === 'https' || headers['x-forwarded-proto'] === 'https';
