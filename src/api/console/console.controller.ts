import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Open } from '../../tenants/access/access.decorator.js';
import { ProblemException } from '../http/problem.js';
import { CONSOLE_DIR, PAGE_HEADERS } from './console-files.js';

/** The console: one page, which a browser gets at every address of it. Its scripts and styles are static files. */
@ApiExcludeController()
@Controller()
@Open()
export class ConsoleController {
  private page: string | null | undefined;

  /** Only browsers ask for HTML; to every other client there is nothing at `/`. */
  @Get()
  root(@Headers('accept') accept: string | undefined, @Res() reply: FastifyReply): void {
    if (!/\btext\/html\b/i.test(accept ?? ''))
      throw new ProblemException('not-found', 'There is no such route; /docs lists them');
    this.sendPage(reply);
  }

  @Get('console')
  short(@Res() reply: FastifyReply): void {
    this.sendPage(reply);
  }

  @Get('console/*')
  deep(@Res() reply: FastifyReply): void {
    this.sendPage(reply);
  }

  private sendPage(reply: FastifyReply): void {
    const page = (this.page ??= readPage());
    if (page === null)
      throw new ProblemException('not-found', 'The console is not built here: npm run build makes it');
    void reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);
  }
}

function readPage(): string | null {
  try {
    return readFileSync(join(CONSOLE_DIR, 'index.html'), 'utf8');
  } catch {
    return null;
  }
}
