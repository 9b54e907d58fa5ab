// `npm run docs`: writes the pages and JSON Schemas that are generated from the sources, out of the built code.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { NestFactory } from '@nestjs/core';
import { httpAdapter } from '../dist/api/http/configure-http.js';
import { keptDescription, openApiDocument } from '../dist/api/http/openapi.js';
import { AppModule } from '../dist/app.module.js';
import { parseSettings } from '../dist/config/settings.js';
import { httpSettings } from '../dist/config/slices.js';
import { renderSettingsDocs } from '../dist/config/settings-docs.js';
import { DOCUMENT_NAMES, schemaFile } from '../dist/contract/schemas/documents.js';
import { renderFailureDocs } from '../dist/outcome/failure-docs.js';
import { renderMetricsDocs } from '../dist/metrics/metrics-docs.js';
import { dashboard } from '../dist/metrics/monitoring/dashboard.js';
import { rulesFile } from '../dist/metrics/monitoring/rules-file.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderSettingsDocs());
writeFileSync(new URL('../docs/metrics.md', import.meta.url), renderMetricsDocs());
const failureCodes = new URL('../docs/failure-codes.md', import.meta.url);
writeFileSync(failureCodes, renderFailureDocs(readFileSync(failureCodes, 'utf8')));

const schemas = new URL('../schemas/', import.meta.url);
mkdirSync(schemas, { recursive: true });
// Routes without anything behind them: nothing is opened or started.
const settings = parseSettings({});
const app = await NestFactory.create(AppModule.register(settings), httpAdapter(httpSettings.of(settings)), {
  preview: true,
  logger: false,
});
writeFileSync(
  new URL('openapi.json', schemas),
  `${JSON.stringify(keptDescription(openApiDocument(app)), null, 2)}\n`,
);
for (const name of DOCUMENT_NAMES) writeFileSync(new URL(`${name}.json`, schemas), schemaFile(name));

const GENERATED = '# Generated from src/metrics/monitoring by `npm run docs`.\n';
for (const [folder, file, text] of [
  ['prometheus', 'bifrost.rules.yml', GENERATED + stringify(rulesFile(), { lineWidth: 0 })],
  ['grafana', 'bifrost.json', `${JSON.stringify(dashboard(), null, 2)}\n`],
]) {
  const target = new URL(`../deploy/${folder}/`, import.meta.url);
  mkdirSync(target, { recursive: true });
  writeFileSync(new URL(file, target), text);
}
