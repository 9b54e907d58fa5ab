// `npm run deploy`: writes deploy/kubernetes and deploy/helm/bifrost out of deploy/source.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { helmFiles } from './helm.ts';
import { type Files, kustomizeFiles } from './kustomize.ts';

const DEPLOY = join(import.meta.dirname, '..');

function write(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

write(join(DEPLOY, 'kubernetes'), kustomizeFiles());
write(join(DEPLOY, 'helm', 'bifrost'), helmFiles());
