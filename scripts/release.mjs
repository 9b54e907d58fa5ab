// `npm run release -- 1.2.3`: gives what is under "Unreleased" in CHANGELOG.md a version and a date, sets the
// version of the packages, commits both and tags the commit. Nothing is pushed.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const UNRELEASED = '## [Unreleased]\n';
/** Pages that name the file of the command, which `npm pack` makes of its version. */
const NAME_THE_COMMAND = ['docs/cli.md', 'packages/cli/README.md'];
const version = process.argv[2] ?? '';

const fail = (why) => {
  process.stderr.write(`release: ${why}\n`);
  process.exit(1);
};
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();

if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) fail(`"${version}" is no version such as 1.2.3`);
if (git('status', '--porcelain') !== '') fail('there are uncommitted changes');
if (git('tag', '--list', `v${version}`) !== '') fail(`the tag v${version} exists`);
const changelog = readFileSync('CHANGELOG.md', 'utf8');
const at = changelog.indexOf(UNRELEASED);
if (at < 0) fail('CHANGELOG.md has no section "Unreleased"');
const rest = changelog.slice(at + UNRELEASED.length);
if (/^\s*(## |$)/.test(rest)) fail('there is nothing under "Unreleased" in CHANGELOG.md');

const today = new Date().toISOString().slice(0, 10);
writeFileSync('CHANGELOG.md', `${changelog.slice(0, at)}${UNRELEASED}\n## [${version}] - ${today}\n${rest}`);
const everywhere = ['--workspaces', '--include-workspace-root'];
execFileSync('npm', ['version', version, '--no-git-tag-version', '--allow-same-version', ...everywhere], {
  stdio: 'inherit',
});
// As npm run docs would write it.
const described = JSON.parse(readFileSync('schemas/openapi.json', 'utf8'));
described.info.version = version;
writeFileSync('schemas/openapi.json', `${JSON.stringify(described, null, 2)}\n`);
execFileSync(process.execPath, ['deploy/source/write.ts'], { stdio: 'inherit' });
for (const page of NAME_THE_COMMAND) {
  const text = readFileSync(page, 'utf8');
  writeFileSync(page, text.replaceAll(/(bifrost-worker-cli-)\d[\w.-]*?(\.tgz)/g, `$1${version}$2`));
}
git('commit', '--all', '--message', `Release ${version}`);
git('tag', '--annotate', `v${version}`, '--message', `Version ${version}`);
process.stdout.write(`v${version} is committed and tagged here; push it with: git push --follow-tags\n`);
