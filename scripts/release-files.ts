// `npm run release:files`: makes what a release consists of, in release/, from the commit that is checked out:
//
//   bifrost-worker-VERSION.tgz         the worker: Node 26 runs it without an install
//   bifrost-worker-cli-VERSION.tgz     the command, for npm install
//   *.sbom.json                        what is in each (CycloneDX)
//   provenance.json, SHA256SUMS        how it was made (in-toto, SLSA 1.0), and the digests
//
// The same commit gives the same bytes: times are those of the commit, and nothing is signed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'release');

interface Sbom {
  serialNumber?: string;
  metadata: { timestamp: string; component: Record<string, unknown>; [name: string]: unknown };
  components: { name: string; group?: string; 'bom-ref': string }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

const run = (command: string, args: readonly string[], env: Record<string, string> = {}): string =>
  execFileSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });

if (run('git', ['status', '--porcelain', '--untracked-files=no']).trim() !== '') {
  process.stderr.write('release: there are uncommitted changes; the files would not be those of a commit\n');
  process.exit(1);
}
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const commit = run('git', ['rev-parse', 'HEAD']).trim();
const epoch = run('git', ['log', '-1', '--format=%ct']).trim();
const madeAt = new Date(Number(epoch) * 1000).toISOString();
const worker = `bifrost-worker-${version}`;
const command = `bifrost-worker-cli-${version}`;

rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET);
run('sh', ['scripts/build.sh']);
const draft = mkdtempSync(join(tmpdir(), 'bifrost-release-'));
try {
  run('node', ['scripts/assemble.ts', join(draft, worker)], { SOURCE_DATE_EPOCH: epoch });
  const order = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--mtime=@${epoch}`,
    '--mode=go-w',
  ];
  run('tar', [...order, '-C', draft, '-cf', join(draft, 'worker.tar'), worker]);
  // gzip itself notes a time and a name unless it is told not to.
  writeFileSync(
    join(TARGET, `${worker}.tgz`),
    execFileSync('gzip', ['-9', '-n', '-c', join(draft, 'worker.tar')], { maxBuffer: 1 << 30 }),
  );
} finally {
  rmSync(draft, { recursive: true, force: true });
}
run('npm', ['pack', '--workspace', 'packages/cli', '--pack-destination', TARGET, '--silent']);

const sbom = (args: readonly string[]): Sbom =>
  JSON.parse(run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', ...args])) as Sbom;
const whole = sbom(['--omit', 'dev']);
// npm names it after the folder.
whole.metadata.component['name'] = 'bifrost-worker';
const inCommand = new Set(
  JSON.parse(readFileSync(join(ROOT, 'dist', 'cli', 'packages.json'), 'utf8')) as string[],
);
const nameOf = ({ group, name }: Sbom['components'][number]): string => (group ? `${group}/${name}` : name);
const components = whole.components.filter((one) => inCommand.has(nameOf(one)));
const ownRef = `bifrost-worker-cli@${version}`;
for (const [name, document] of [
  [worker, whole],
  [
    command,
    {
      ...whole,
      metadata: {
        ...whole.metadata,
        component: {
          'bom-ref': ownRef,
          type: 'application',
          name: 'bifrost-worker-cli',
          version,
          purl: `pkg:npm/bifrost-worker-cli@${version}`,
        },
      },
      components,
      dependencies: [{ ref: ownRef, dependsOn: components.map((one) => one['bom-ref']) }],
    },
  ],
] as const) {
  const { serialNumber: _, ...rest } = document;
  const dated = { ...rest, metadata: { ...rest.metadata, timestamp: madeAt } };
  writeFileSync(join(TARGET, `${name}.sbom.json`), `${JSON.stringify(dated, null, 2)}\n`);
}

const digestOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(TARGET, name)))
    .digest('hex');
const subject = readdirSync(TARGET)
  .toSorted()
  .map((name) => ({ name, digest: { sha256: digestOf(name) } }));
const provenance = {
  _type: 'https://in-toto.io/Statement/v1',
  subject,
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {
    buildDefinition: {
      buildType: 'urn:bifrost-worker:npm-run-release-files',
      externalParameters: { version },
      internalParameters: {
        node: process.version,
        npm: run('npm', ['--version']).trim(),
        platform: process.platform,
        arch: process.arch,
      },
      resolvedDependencies: [
        { uri: 'git+file:.', digest: { gitCommit: commit } },
        {
          uri: 'file:package-lock.json',
          digest: {
            sha256: createHash('sha256')
              .update(readFileSync(join(ROOT, 'package-lock.json')))
              .digest('hex'),
          },
        },
      ],
    },
    runDetails: { builder: { id: 'scripts/release-files.ts' }, metadata: { startedOn: madeAt } },
  },
};
writeFileSync(join(TARGET, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
const names = readdirSync(TARGET).toSorted();
writeFileSync(join(TARGET, 'SHA256SUMS'), names.map((name) => `${digestOf(name)}  ${name}\n`).join(''));
process.stdout.write([...names, 'SHA256SUMS'].map((name) => `release/${name}\n`).join(''));
