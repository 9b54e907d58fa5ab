/** Pages of the site in their order: files of the repository, `*` for all of a folder. A page of docs/ that is not named is in the last section. */
export const SECTIONS: readonly { title: string; pages: readonly string[] }[] = [
  { title: 'Start', pages: ['docs/index.md', 'docs/tutorial.md'] },
  {
    title: 'Using it',
    pages: [
      'docs/producers.md',
      'docs/recipes.md',
      'docs/workspace.md',
      'docs/packages.md',
      'docs/execution-control.md',
      'docs/schedules.md',
      'docs/webhooks.md',
      'docs/logs.md',
      'docs/variables.md',
      'docs/artifacts.md',
      'docs/results.md',
    ],
  },
  {
    title: 'Operating it',
    pages: [
      'docs/operating.md',
      'docs/upgrading.md',
      'docs/cli.md',
      'docs/kubernetes.md',
      'docs/console.md',
      'docs/runners.md',
      'docs/network.md',
      'docs/archive.md',
      'docs/observability.md',
      'docs/doctor.md',
      'docs/faults.md',
      'docs/benchmarks.md',
    ],
  },
  { title: 'When something is wrong', pages: ['docs/troubleshooting.md', 'docs/failure-codes.md'] },
  { title: 'Security', pages: ['SECURITY.md', 'docs/security-model.md', 'docs/signed-jobs.md'] },
  {
    title: 'Reference',
    pages: [
      'docs/http-api.md',
      'schemas/openapi.json',
      'docs/configuration.md',
      'docs/metrics.md',
      'docs/guarantees.md',
      'docs/bullmq.md',
      'docs/identity.md',
      'docs/compatibility.md',
      'docs/drop-in.md',
      'CHANGELOG.md',
    ],
  },
  { title: 'Inside', pages: ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/decisions/*'] },
];

/** Address of a page on the site, below its root. */
export function addressOf(file: string): string {
  if (file === 'schemas/openapi.json') return 'api.html';
  const name = file.replace(/^docs\//, '').replace(/\.md$/, '.html');
  return file.startsWith('docs/') ? name : name.toLowerCase();
}
