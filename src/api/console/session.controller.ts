import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { InjectSettings } from '../../config/config.module.js';
import { type HttpSettings, httpSettings } from '../../config/slices.js';
import { VERSION } from '../../lib/version.js';
import { requireToken } from '../http/access-policy.js';
import {
  SESSION_SECONDS,
  sessionSecondsLeft,
  sessionValue,
  setSessionCookie,
} from '../http/session-cookie.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const sessionRequestSchema = refuseUnknown(
  z.object({
    token: z.string({ error: 'must be a string' }).max(4_096, { error: 'must have at most 4096 characters' }),
  }),
).meta({ id: 'SessionRequest', example: { token: 'the API_TOKEN' } });

const sessionViewSchema = z
  .object({
    required: z.boolean().meta({ description: 'Whether this API wants a token' }),
    open: z.boolean().meta({ description: 'Whether a request of this browser may pass' }),
    version: z.string().nullable().meta({ description: 'Of the worker; null until the session is open' }),
  })
  .meta({ id: 'Session' });
type SessionView = z.infer<typeof sessionViewSchema>;

/** The session of a browser: a cookie that stands for the token, which no script can read. */
@ApiTags('session')
@Controller('session')
export class SessionController {
  constructor(@InjectSettings(httpSettings) private readonly settings: Pick<HttpSettings, 'token'>) {}

  /** Needs no token, and renews a session of which half is over. */
  @Get()
  @ApiOperation({
    operationId: 'getSession',
    summary: 'Whether a token is wanted, and whether the session of this browser is open',
  })
  @ApiOkResponse({ standardSchema: sessionViewSchema })
  find(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): SessionView {
    void reply.header('cache-control', 'no-store');
    const { token } = this.settings;
    if (token === undefined) return { required: false, open: true, version: VERSION };
    const seconds = sessionSecondsLeft(request.headers.cookie, token, Date.now());
    if (seconds > 0 && seconds < SESSION_SECONDS / 2) this.begin(token, request, reply);
    return { required: true, open: seconds > 0, version: seconds > 0 ? VERSION : null };
  }

  /** @throws {ProblemException} 401 for a token that is not the right one. */
  @Post()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'beginSession',
    summary: 'Begin a session with the token: the answer sets a cookie',
  })
  @ApiNoContentResponse({ description: 'The session has begun' })
  open(
    @Body({ schema: sessionRequestSchema }) { token: given }: z.infer<typeof sessionRequestSchema>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): void {
    const { token } = this.settings;
    if (token === undefined) return;
    requireToken(given, token);
    this.begin(token, request, reply);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ operationId: 'endSession', summary: 'End the session of this browser' })
  @ApiNoContentResponse({ description: 'It has ended' })
  close(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.header('set-cookie', setSessionCookie('', isSecure(request)));
  }

  private begin(token: string, request: FastifyRequest, reply: FastifyReply): void {
    const cookie = setSessionCookie(sessionValue(token, Date.now()), isSecure(request));
    void reply.header('set-cookie', cookie).header('cache-control', 'no-store');
  }
}

/** What a proxy says of itself makes the cookie stricter at most. */
const isSecure = ({ headers, protocol }: FastifyRequest): boolean =>
  protocol === 'https' || headers['x-forwarded-proto'] === 'https';
