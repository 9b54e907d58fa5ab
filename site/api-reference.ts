import { anchorOf, escape } from './html.ts';
import type { Rendered } from './markdown.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
  description?: string;
}
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}
export interface OpenApi {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Every operation of the HTTP API and every document that it takes or answers with, as a page. */
export function apiReference(document: OpenApi): Rendered {
  const page: Rendered = {
    title: 'API reference',
    html: '',
    headings: [],
    passages: [],
    pictures: [],
    links: [],
  };
  const heading = (level: number, text: string, anchor: string, more = ''): void => {
    page.headings.push({ level, text, anchor });
    page.passages.push({ anchor, heading: text, text: more });
    page.html += `<h${level} id="${anchor}">${escape(text)}</h${level}>\n`;
  };
  page.html += `<h1 id="api-reference">API reference</h1>
<p>${escape(document.info.description)} Programs get the same as <a href="/openapi.json">/openapi.json</a>, which wants the token where there is one. How the parts work together: <a href="http-api.html">The HTTP API</a>.</p>\n`;
  for (const [tag, operations] of byTag(document)) {
    heading(2, tag, anchorOf(tag));
    for (const [method, path, operation] of operations) {
      const { operationId, summary = '', description = '' } = operation;
      heading(3, `${method.toUpperCase()} ${path}`, operationId, `${operationId} ${summary} ${description}`);
      page.html += operationHtml(operation);
    }
  }
  heading(2, 'Documents', 'documents');
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    heading(3, name, schemaAnchor(name), schema.description);
    page.html += schemaHtml(schema);
  }
  return page;
}

const schemaAnchor = (name: string): string => `document-${name}`;

function byTag({ paths }: OpenApi): Map<string, [string, string, Operation][]> {
  const tags = new Map<string, [string, string, Operation][]>();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other';
      tags.set(tag, [...(tags.get(tag) ?? []), [method, path, operation]]);
    }
  return tags;
}

function operationHtml({ summary, description, parameters = [], requestBody, responses }: Operation): string {
  const text = [summary, description].filter(Boolean).map((part) => `<p>${escape(part as string)}</p>\n`);
  const input = parameters.map(({ name, in: where, required, description: about, schema }) => [
    `<code>${escape(name)}</code>`,
    where + (required ? ', required' : ''),
    typeOf(schema ?? {}),
    escape(about ?? schema?.description ?? ''),
  ]);
  const answers = Object.entries(responses).map(([status, answer]) => [
    escape(status),
    contentOf(answer),
    escape(answer.description ?? ''),
  ]);
  return [
    ...text,
    input.length > 0 ? table(['parameter', 'in', 'type', 'meaning'], input) : '',
    requestBody ? `<p>Body: ${contentOf(requestBody)}</p>\n` : '',
    table(['status', 'answer', 'when'], answers),
  ].join('');
}

const contentOf = ({ content = {} }: Content): string =>
  Object.entries(content)
    .map(([type, { schema }]) => (type.includes('json') ? typeOf(schema ?? {}) : escape(type)))
    .join(', ');

function schemaHtml(schema: Schema): string {
  const { properties, required = [], description } = schema;
  const about = description ? `<p>${escape(description)}</p>\n` : '';
  if (!properties) return `${about}<p>${typeOf(schema)}</p>\n`;
  const rows = Object.entries(properties).map(([name, of]) => [
    `<code>${escape(name)}</code>${required.includes(name) ? '' : ' <small>optional</small>'}`,
    typeOf(of),
    escape(of.description ?? ''),
  ]);
  return about + table(['field', 'type', 'meaning'], rows);
}

function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, items, type } = schema;
  if ($ref) {
    const name = $ref.split('/').at(-1) as string;
    return `<a href="#${schemaAnchor(name)}">${escape(name)}</a>`;
  }
  if (schema.const !== undefined) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
  if (schema.enum) return schema.enum.map((of) => `<code>${escape(JSON.stringify(of))}</code>`).join(' ');
  const several = anyOf ?? oneOf ?? allOf;
  if (several) return several.map(typeOf).join(allOf ? ' and ' : ' or ');
  if (items) return `array of ${typeOf(items)}`;
  if (schema.properties) return inner(schema.properties);
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`;
  return escape([type ?? 'any'].flat().join(' or '));
}

const inner = (properties: Record<string, Schema>): string =>
  `object: ${Object.entries(properties)
    .map(([name, of]) => `<code>${escape(name)}</code> ${typeOf(of)}`)
    .join(', ')}`;

function table(head: string[], rows: string[][]): string {
  const row = (cells: string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>\n`;
  return `<table>\n<thead>${row(head, 'th')}</thead>\n<tbody>\n${rows.map((cells) => row(cells, 'td')).join('')}</tbody>\n</table>\n`;
}
