import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const OUT = join(import.meta.dirname, '..', 'dist', 'console');

/** Writes each file a second and third time, compressed, so that no request waits for that. */
const compressed: Plugin = {
  name: 'compressed',
  closeBundle() {
    const folder = join(OUT, 'assets');
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const content = readFileSync(path);
      writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      const params = { [constants.BROTLI_PARAM_QUALITY]: 10 };
      writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [compressed],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    // Small files too stay files: the page's security policy takes no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `vite console` serves it while it is worked on, against the worker of this address.
  server: {
    proxy: {
      '^/(executions|tasks|schedules|batches|organizations|usage|tokens|audit|secrets|workers|queue|packages|workspace|health|metrics|session|docs)':
        {
          target: 'http://127.0.0.1:3000',
        },
    },
  },
});
