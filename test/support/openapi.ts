import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';

interface Schema {
  $ref?: string;
  example?: unknown;
  oneOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
  [keyword: string]: unknown;
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  operationId?: string;
  summary?: string;
  security?: object[];
  parameters?: { name: string; in: string }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}

/** One method of one path. */
export interface Documented {
  /** `get /executions/{id}` */
  name: string;
  operation: Operation;
}

interface Answer {
  status: number;
  type: string;
  text: string;
}

/** An OpenAPI 3.1 document that answers and requests are held against. */
export class OpenApi {
  readonly operations: Documented[];
  private readonly schemas: Record<string, Schema>;
  private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  private readonly validators = new Map<Schema, ValidateFunction>();

  constructor(document: object) {
    const { paths, components } = document as {
      paths: Record<string, Record<string, Operation>>;
      components: { schemas: Record<string, Schema> };
    };
    this.operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    this.schemas = components.schemas;
    this.ajv.addSchema(withAbsoluteRefs({ components }) as object, 'document');
  }

  operation(name: string): Documented | undefined {
    return this.operations.find((one) => one.name === name);
  }

  /** What is wrong with an answer; null: it is as documented. */
  mismatch({ name, operation }: Documented, { status, type, text }: Answer): string | null {
    const response = operation.responses[status];
    if (!response) return `${name} does not say that it may answer ${status}`;
    const media = type.split(';')[0] as string;
    const documented = response.content?.[media] ?? response.content?.['*/*'];
    if (!documented) return text === '' ? null : `${name} does not say that ${status} comes as ${type}`;
    if (!/[/+]json$/.test(media))
      return documented.schema?.['type'] === 'string' ? null : `${media} is no text`;
    const problems = this.problemsOf(documented.schema as Schema, JSON.parse(text));
    return problems.length === 0 ? null : `${name} ${status}: ${problems.join('; ')}`;
  }

  bodyProblems({ operation }: Documented, body: unknown): string[] {
    return this.problemsOf(bodySchema(operation), body);
  }

  /** The example of the body's schema. */
  exampleBody({ name, operation }: Documented): unknown {
    const schema = bodySchema(operation);
    const example = (schema.$ref ? this.schemas[nameOf(schema.$ref)] : schema)?.example;
    if (example === undefined) throw new Error(`the body of ${name} has no example`);
    return example;
  }

  /** Every schema of the document that has an example. */
  examples(): { schema: Schema; example: unknown }[] {
    return Object.values(this.schemas).flatMap((schema) =>
      schema.example === undefined ? [] : [{ schema, example: schema.example }],
    );
  }

  /** Of each named union that a field tells apart: which schema each value of it stands for. */
  discriminators(): Record<string, Record<string, string>> {
    return Object.fromEntries(
      Object.entries(this.schemas).flatMap(([name, { discriminator }]) =>
        discriminator
          ? [
              [
                name,
                Object.fromEntries(Object.entries(discriminator.mapping).map(([k, v]) => [k, nameOf(v)])),
              ],
            ]
          : [],
      ),
    );
  }

  /** Unions of objects without such a field, by where they are. */
  unmappedUnions(value: unknown = this.schemas, path = ''): string[] {
    if (typeof value !== 'object' || value === null) return [];
    const { oneOf, discriminator } = value as Schema;
    const here = Array.isArray(oneOf) && discriminator === undefined ? [path] : [];
    return [
      ...here,
      ...Object.entries(value).flatMap(([key, part]) => this.unmappedUnions(part, `${path}/${key}`)),
    ];
  }

  problemsOf(schema: Schema, value: unknown): string[] {
    let validate = this.validators.get(schema);
    if (!validate) {
      validate = this.ajv.compile(withAbsoluteRefs(schema) as object);
      this.validators.set(schema, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || 'body'} ${message} ${JSON.stringify(params)}`,
    );
  }
}

const nameOf = (ref: string): string => ref.split('/').at(-1) as string;

const bodySchema = (operation: Operation): Schema =>
  operation.requestBody?.content?.['application/json']?.schema ?? {};

/** Schemas of OpenAPI 3.1 are JSON Schema; where one stands alone, its references need the name of the document. */
function withAbsoluteRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withAbsoluteRefs);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => {
      if (key === 'example' || key === 'enum') return [key, part];
      return key === '$ref' ? [key, `document${String(part)}`] : [key, withAbsoluteRefs(part)];
    }),
  );
}
