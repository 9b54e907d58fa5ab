import { transformSync, type Options, version } from '@swc/core';
import { createHash } from 'node:crypto';

/** As `tsconfig.json` has it compiled: decorators with their metadata, imports that are only types left out. */
const OPTIONS: Options = {
  configFile: false,
  swcrc: false,
  isModule: true,
  sourceMaps: true,
  inlineSourcesContent: false,
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
    target: 'es2024',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

/** Compiles one file for Jest. Types are not looked at: the linter checks those of all files. */
function compile(source: string, path: string): { code: string; map: string } {
  const { code, map = '' } = transformSync(source, { ...OPTIONS, filename: path, sourceFileName: path });
  return { code, map };
}

/** What Jest keeps a compiled file by. */
function getCacheKey(source: string, path: string): string {
  const parts = [version, JSON.stringify(OPTIONS), path, source];
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
}

export default { process: compile, getCacheKey };
