import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

type JsonSchema = Record<string, unknown>;

/** A zod schema as the description of the API has it: its own part, and the schemas that have a name. */
export interface ConvertedSchema {
  schema: JsonSchema;
  components: Record<string, JsonSchema>;
}

const NAMED = '#/components/schemas/';

/**
 * Converts the zod schemas of one OpenAPI 3.1 document, whose schemas are JSON Schema (draft 2020-12). Schemas with
 * an `id` are shared by that name, and a discriminated union of such names says which value stands for which.
 */
export class OpenApiSchemas {
  private readonly components = new Map<string, JsonSchema>();

  /** @throws Error for two different schemas of one name, also where what is taken differs from what is answered. */
  convert(schema: unknown, io: 'input' | 'output'): ConvertedSchema | undefined {
    if (!(schema instanceof z.ZodType)) return undefined;
    const {
      $schema: _,
      $defs = {},
      ...own
    } = withNames(
      z.toJSONSchema(schema, {
        io,
        target: 'draft-2020-12',
        unrepresentable: 'any',
        override: ({ zodSchema, jsonSchema }) => {
          delete jsonSchema['id'];
          const discriminator = discriminatorOf(zodSchema);
          if (discriminator) Object.assign(jsonSchema, { discriminator });
        },
      }),
    );
    const components = $defs as Record<string, JsonSchema>;
    for (const [name, definition] of Object.entries(components)) this.note(name, definition);
    return { schema: own, components };
  }

  private note(name: string, definition: JsonSchema): void {
    const known = this.components.get(name);
    if (known !== undefined && !isDeepStrictEqual(known, definition))
      throw new Error(`two schemas of the API have the name ${name}`);
    this.components.set(name, definition);
  }
}

/** Where JSON Schema keeps schemas with a name is not where OpenAPI does. */
const withNames = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace(/^#\/\$defs\//, NAMED) : value,
  ) as JsonSchema;

/** Only names can be mapped: a union of which one member has none shows by its constants which is meant. */
function discriminatorOf(schema: z.core.$ZodTypes): object | null {
  const { def } = schema._zod;
  if (def.type !== 'union' || !('discriminator' in def)) return null;
  const { discriminator: propertyName, options } = def as z.core.$ZodDiscriminatedUnionDef;
  const mapping: Record<string, string> = {};
  for (const option of options) {
    const name = z.globalRegistry.get(option)?.id;
    if (name === undefined) return null;
    for (const value of option._zod.propValues?.[propertyName] ?? []) mapping[String(value)] = NAMED + name;
  }
  return { propertyName, mapping };
}
