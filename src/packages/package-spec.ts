import semver from 'semver';

/** One package of the registry, as the manifest asks for it. */
export interface PackageSpec {
  name: string;
  /** Semver version or range, or a dist-tag. */
  range: string;
}

export type SpecVerdict = { ok: true; spec: PackageSpec } | { ok: false; reason: string };

const SPEC_LIMIT_CHARS = 300;
/** Upper case is for packages from before 2017, e.g. JSONStream. A first `-`, `.` or `_` is never right. */
const NAME = /^(?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*$/i;
const NAME_LIMIT_CHARS = 214;
const UNUSABLE_NAMES = new Set(['node_modules', 'favicon.ico']);
const TAG = /^[a-z][\w.-]{0,63}$/i;

const refused = (reason: string): SpecVerdict => ({ ok: false, reason });

/**
 * Decides about one npm spec. Only packages of the registry pass: a name and a version, a range or a
 * dist-tag. Whatever makes npm fetch from elsewhere, or reads as an option or a path, is refused.
 */
export function parseSpec(text: string): SpecVerdict {
  const hostile = refusalOfText(text);
  if (hostile !== null) return refused(hostile);
  const at = text.indexOf('@', 1);
  const name = at < 0 ? text : text.slice(0, at);
  return parsePair(name, at < 0 ? 'latest' : text.slice(at + 1));
}

/** Decides about a name and its range, as package.json gives them. An empty range means any version. */
export function parsePair(name: string, range: string): SpecVerdict {
  const hostile = refusalOfText(`${name}@${range}`);
  if (hostile !== null) return refused(hostile);
  const badName = refusalOfName(name);
  if (badName !== null) return refused(badName);
  const wanted = range.trim();
  if (wanted === '') return refused('has no version after the "@"');
  if (semver.validRange(wanted) !== null || TAG.test(wanted)) {
    return { ok: true, spec: { name, range: wanted } };
  }
  return refused(`"${wanted}" is not a version, a range or a dist-tag`);
}

/** The spec as it is shown. */
export const specText = (spec: PackageSpec): string => `${spec.name}@${spec.range}`;

/**
 * The spec as npm reads it from its command line. A name without a version asks for the newest that goes with
 * the rest, which is npm's meaning of `*`; of `latest` it would insist on the very newest.
 */
export const npmText = ({ name, range }: PackageSpec): string =>
  `${name}@${range === 'latest' ? '*' : range}`;

/** The spec in the one form that all spellings of its range share: `^4` and `4.x` ask for the same. */
export const canonicalText = (spec: PackageSpec): string =>
  `${spec.name}@${semver.validRange(spec.range) ?? spec.range}`;

/** Whether an installed version is what the spec asks for; a dist-tag is whatever the registry says it is. */
export const satisfies = (spec: PackageSpec, version: string): boolean =>
  semver.validRange(spec.range) === null ||
  semver.satisfies(version, spec.range, { includePrerelease: true });

function refusalOfText(text: string): string | null {
  if (text.length > SPEC_LIMIT_CHARS) return `is longer than ${SPEC_LIMIT_CHARS} characters`;
  const odd = /[^\x20-\x7e]/u.exec(text);
  if (odd) {
    const code = (odd[0].codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    return `holds the character U+${code}; only printable ASCII is allowed`;
  }
  if (/^-|\s--?[a-z]/i.test(text)) return 'holds an option; a spec is only a name and a version';
  return refusalOfProtocol(text) ?? refusalOfPath(text);
}

function refusalOfProtocol(text: string): string | null {
  const protocol = /(?:^|@)([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (protocol === undefined) return null;
  if (protocol === 'npm') return 'is an alias (npm:); name the package itself';
  if (protocol === 'workspace') return 'is a workspace spec; only packages of the registry are allowed';
  if (protocol === 'file' || protocol === 'link' || protocol === 'portal') {
    return `is a local path (${protocol}:); only packages of the registry are allowed`;
  }
  if (protocol === 'http' || protocol === 'https') {
    return `is an address (${protocol}:); only packages of the registry are allowed`;
  }
  return `is a ${protocol.startsWith('git') ? 'git' : `"${protocol}:"`} spec; only packages of the registry are allowed`;
}

function refusalOfPath(text: string): string | null {
  const scopeless = text.startsWith('@') ? text.replace('/', '') : text;
  if (/^git@|@git@/.test(text)) return 'is a git spec; only packages of the registry are allowed';
  if (/^[./\\~]|(?:^|[/@\\])\.{1,2}(?:[/\\]|$)|\\/.test(text)) {
    return 'is a path; only packages of the registry are allowed';
  }
  if (/^[\w.-]+\/[\w.-]+(?:#.*)?$/.test(scopeless)) {
    return 'is a GitHub shorthand or a path; only packages of the registry are allowed';
  }
  return null;
}

function refusalOfName(name: string): string | null {
  if (name === '') return 'has no package name';
  const shell = /[;&|`$(){}[\]<>*?!"'#%^=]/.exec(name);
  if (shell) return `holds the shell character ${shell[0]}`;
  if (name.length > NAME_LIMIT_CHARS) return `has a name longer than ${NAME_LIMIT_CHARS} characters`;
  if (!NAME.test(name) || UNUSABLE_NAMES.has(name.toLowerCase())) return `"${name}" is not a package name`;
  return null;
}
