import type { PackageFailure } from '../contract/packages.js';
import { type PackageSpec, parsePair, parseSpec, type SpecVerdict, specText } from './package-spec.js';

/** A package that may be installed, and where the manifest names it. */
export interface ManifestEntry extends PackageSpec {
  line: number;
}

/** What a manifest asks for: the good entries, and one refusal for each bad one. */
export interface ParsedManifest {
  entries: readonly ManifestEntry[];
  refused: readonly PackageFailure[];
}

interface Candidate {
  text: string;
  line: number;
  verdict: SpecVerdict;
}

const SHOWN_CHARS = 100;

/**
 * Reads the content of a manifest: one npm spec a line, or a package.json text of which only
 * `dependencies` count. Pure; a bad line is refused and takes no other line down.
 */
export function parseManifest(content: string, maxSpecs: number): ParsedManifest {
  const text = content.replace(/^\uFEFF/, '');
  if (!text.trimStart().startsWith('{')) return decide(candidatesOfLines(text), maxSpecs);
  const dependencies = readDependencies(text);
  if (typeof dependencies === 'string') {
    return {
      entries: [],
      refused: [{ spec: 'package.json', line: 1, reason: dependencies, phase: 'refused' }],
    };
  }
  return decide(candidatesOfDependencies(text, dependencies), maxSpecs);
}

function candidatesOfLines(text: string): Candidate[] {
  return text.split('\n').flatMap((raw, index) => {
    // Only blanks go: trim() would also eat the odd characters that have to be seen.
    const line = raw.replace(/\r$/, '').replace(/^[ \t]+|[ \t]+$/g, '');
    if (line === '' || line.startsWith('#')) return [];
    return [{ text: line, line: index + 1, verdict: parseSpec(line) }];
  });
}

function candidatesOfDependencies(text: string, dependencies: Record<string, unknown>): Candidate[] {
  const lines = text.split('\n');
  const start = Math.max(
    0,
    lines.findIndex((line) => line.includes('"dependencies"')),
  );
  return Object.entries(dependencies).map(([name, range]) => {
    const index = lines.findIndex((line, at) => at >= start && line.includes(JSON.stringify(name)));
    const verdict: SpecVerdict =
      typeof range === 'string'
        ? parsePair(name, range.trim() === '' ? '*' : range)
        : { ok: false, reason: 'has a version that is not a string' };
    const shown = typeof range === 'string' ? range : JSON.stringify(range);
    return { text: `${name}@${shown}`, line: Math.max(index, 0) + 1, verdict };
  });
}

function readDependencies(text: string): Record<string, unknown> | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return `begins like a package.json but is not JSON: ${(error as Error).message.slice(0, SHOWN_CHARS)}`;
  }
  const dependencies = (parsed as { dependencies?: unknown }).dependencies ?? {};
  if (typeof dependencies !== 'object' || Array.isArray(dependencies)) {
    return '"dependencies" must be an object of names and versions';
  }
  return dependencies as Record<string, unknown>;
}

function decide(candidates: readonly Candidate[], maxSpecs: number): ParsedManifest {
  const entries = new Map<string, ManifestEntry>();
  const refused: PackageFailure[] = [];
  const refuse = (candidate: Candidate, reason: string) =>
    refused.push({ spec: shown(candidate.text), line: candidate.line, reason, phase: 'refused' });
  for (const candidate of candidates.slice(0, maxSpecs)) {
    if (!candidate.verdict.ok) {
      refuse(candidate, candidate.verdict.reason);
      continue;
    }
    const { spec } = candidate.verdict;
    const known = entries.get(spec.name);
    if (known === undefined) entries.set(spec.name, { ...spec, line: candidate.line });
    else if (known.range !== spec.range) {
      refuse(candidate, `${spec.name} is already asked for in line ${known.line}, as ${specText(known)}`);
    }
  }
  const excess = candidates.length - maxSpecs;
  const first = candidates[maxSpecs];
  if (first) {
    refuse(
      first,
      `this and what follows (${excess} in all) is beyond the limit of ${maxSpecs} (PACKAGES_MAX)`,
    );
  }
  return { entries: [...entries.values()], refused };
}

/** A refused text may be anything: odd characters are escaped and the length is bounded before it is shown. */
function shown(text: string): string {
  const cut = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
  return cut.replaceAll(
    /[^\x20-\x7e\u2026]/gu,
    (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`,
  );
}
