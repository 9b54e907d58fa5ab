import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DOCUMENT_NAMES, type DocumentName, jsonSchemaOf } from '../../contract/schemas/documents.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { ProblemException } from '../http/problem.js';

const FILES: ReadonlyMap<string, DocumentName> = new Map(
  DOCUMENT_NAMES.map((name) => [`${name}.json`, name]),
);

/** JSON Schemas of every document that workers read and write, for producers and consumers in any language. */
@ApiTags('schemas')
@Controller('schemas')
export class SchemasController {
  @Get()
  @Access('read', 'shared')
  @ApiOperation({ operationId: 'listSchemas', summary: 'Names of the JSON Schemas' })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['schemas'],
      properties: { schemas: { type: 'array', items: { type: 'string' } } },
    },
  })
  list(): { schemas: string[] } {
    return { schemas: [...FILES.keys()] };
  }

  @Get(':file')
  @Access('read', 'shared')
  @Header('content-type', 'application/schema+json; charset=utf-8')
  @ApiOperation({ operationId: 'getSchema', summary: 'The JSON Schema of one document' })
  @ApiOkResponse({
    content: { 'application/schema+json': { schema: { type: 'object', additionalProperties: true } } },
  })
  read(@Param('file') file: string): Record<string, unknown> {
    const name = FILES.get(file);
    if (name === undefined)
      throw new ProblemException(
        'not-found',
        `There is no schema ${file}; there are: ${[...FILES.keys()].join(', ')}`,
      );
    return jsonSchemaOf(name);
  }
}
