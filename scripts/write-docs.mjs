// `npm run docs`: writes the pages and JSON Schemas that are generated from the sources, out of the built code.
import { mkdirSync, writeFileSync } from 'node:fs';
import { renderSettingsDocs } from '../dist/config/settings-docs.js';
import { DOCUMENT_NAMES, schemaFile } from '../dist/contract/schemas/documents.js';
import { renderFailureDocs } from '../dist/outcome/failure-docs.js';
import { renderMetricsDocs } from '../dist/metrics/metrics-docs.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderSettingsDocs());
writeFileSync(new URL('../docs/metrics.md', import.meta.url), renderMetricsDocs());
writeFileSync(new URL('../docs/failure-codes.md', import.meta.url), renderFailureDocs());

const schemas = new URL('../schemas/', import.meta.url);
mkdirSync(schemas, { recursive: true });
for (const name of DOCUMENT_NAMES) writeFileSync(new URL(`${name}.json`, schemas), schemaFile(name));
