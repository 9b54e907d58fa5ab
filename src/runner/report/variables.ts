import { types } from 'node:util';
import { descriptorOf, stringify } from '../channel/primordials.js';
import { namesOf, Snapshot, type SnapshotBounds } from './snapshot.js';

/** What a result keeps of variables: enough for data, bounded for the rest. */
const BOUNDS: SnapshotBounds = { depth: 8, entries: 1_000, chars: 16_384, total: 65_536 };
const MAX_VARIABLES = 200;
/** As src/workspace/script-probe.ts names them: `var:`, three digits, `:` and the name. */
const EXPORT_PREFIX = 'var:';
const PREFIX_CHARS = 'var:000:'.length;

/** Where the top-level variables of the script that runs can be read, also when it has thrown. */
let script: object | null = null;

/** Called by the probe, before the script's own code runs: see src/workspace/script-probe.ts. */
export function registerScript(variables: object): void {
  script = variables;
}

/** A script that ran before in this place is no longer looked at. */
export function forgetScript(): void {
  script = null;
}

/**
 * JSON text of what the execution's variables hold: those of `context.variables`, for a script its
 * top-level ones. Never throws and calls no code of the user's.
 */
export function variablesJson(filled: unknown): string {
  const listing = new Listing();
  try {
    if (script !== null) listScript(listing, script);
    else if (typeof filled === 'object' && filled !== null) listFilled(listing, filled);
  } catch {
    // What is listed so far stands.
  }
  return listing.json;
}

/** Names and pictures, as one JSON object. */
class Listing {
  private readonly snapshot = new Snapshot(BOUNDS);
  private body = '';
  private count = 0;

  add(name: string, value: unknown): void {
    if (this.count >= MAX_VARIABLES || this.snapshot.isFull) return;
    this.body += `${this.count === 0 ? '' : ','}${stringify(name)}:${this.snapshot.take(name, value)}`;
    this.count += 1;
  }

  get json(): string {
    return `{${this.body}}`;
  }
}

function listFilled(listing: Listing, filled: object): void {
  const names = namesOf(filled);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const property = descriptorOf(filled, name);
    if (property?.enumerable) listing.add(name, 'value' in property ? property.value : undefined);
  }
}

/** Functions are code and not values; what has no value yet is left out. */
function listScript(listing: Listing, variables: object): void {
  const names = namesOf(variables);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    // Of a module's namespace; the object that CommonJS gives has plain names.
    const isModule = types.isModuleNamespaceObject(variables);
    if (isModule && !name.startsWith(EXPORT_PREFIX)) continue;
    const value = read(variables, name);
    if (value === undefined || typeof value === 'function') continue;
    listing.add(isModule ? name.slice(PREFIX_CHARS) : name, value);
  }
}

/** A binding that its declaration has not reached yet throws when it is read. */
function read(variables: object, name: string): unknown {
  try {
    return (variables as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}
