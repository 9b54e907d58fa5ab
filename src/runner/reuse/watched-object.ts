import {
  apply,
  descriptorOf,
  isExtensible,
  keysOf,
  ownKeysOf,
  prototypeOf,
  text,
} from '../channel/primordials.js';

type Shape = Map<PropertyKey, PropertyDescriptor>;
type QuickCheck = (target: object) => boolean;

/** Changes of an object that are not caused by user code. */
export interface KnownChanges {
  /** Properties that the runner sets for each execution, or Node on its own. */
  volatile?: ReadonlySet<PropertyKey>;
  /** Whether an addition comes from Node's first use of a part of itself. */
  isNodes?: (key: PropertyKey) => boolean;
  /** The quick check finds every addition, not only enumerable ones. */
  closely?: boolean;
}

/** One object of Node or of the language, and what it was before the first execution. */
export class WatchedObject {
  private readonly shape: Shape;
  private readonly extensible: boolean;
  private readonly prototype: object | null;
  private quickCheck: QuickCheck;

  constructor(
    readonly name: string,
    private readonly target: object,
    private readonly knownChanges: KnownChanges = {},
  ) {
    this.shape = shapeOf(target);
    this.extensible = isExtensible(target);
    this.prototype = prototypeOf(target);
    this.quickCheck = this.takeQuickCheck();
  }

  /**
   * Name of a property that is not as it was; null: none was seen. A quick check compares the values of all
   * properties, and counts the enumerable ones to find additions; it costs a tenth of a thorough one,
   * which also finds additions that are not enumerable and changed attributes.
   */
  change(thorough: boolean): string | null {
    if (isExtensible(this.target) !== this.extensible) return 'preventExtensions';
    if (prototypeOf(this.target) !== this.prototype) return 'prototype';
    if (!thorough && this.seemsSame()) return null;
    const change = this.look();
    // Node has put a value in the place of a lazy getter, say.
    if (change === null && !thorough) this.quickCheck = this.takeQuickCheck();
    return change;
  }

  private seemsSame(): boolean {
    try {
      return this.quickCheck(this.target);
    } catch {
      // A property became a getter that throws.
      return false;
    }
  }

  private look(): string | null {
    const { target, shape } = this;
    const keys: PropertyKey[] = ownKeysOf(target);
    let known = 0;
    // Code may have replaced what iterates over arrays, and their methods.
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as PropertyKey;
      const before = shape.get(key);
      if (before !== undefined) known += 1;
      if (this.knownChanges.volatile?.has(key)) continue;
      if (before === undefined) {
        if (this.knownChanges.isNodes?.(key)) continue;
        return text(key);
      }
      if (!isSame(target, before, descriptorOf(target, key) as PropertyDescriptor)) return text(key);
    }
    // Not by the number of all: Node may have added as many as were deleted.
    if (known === shape.size) return null;
    const missing = [...shape.keys()].find((key) => !keys.includes(key));
    return text(missing ?? 'a property');
  }

  private takeQuickCheck(): QuickCheck {
    const keys: PropertyKey[] = [];
    const values: unknown[] = [];
    const restKeys: PropertyKey[] = [];
    const rest: PropertyDescriptor[] = [];
    const { target } = this;
    const all = ownKeysOf(target);
    for (let i = 0; i < all.length; i++) {
      const key = all[i] as PropertyKey;
      if (this.knownChanges.volatile?.has(key)) continue;
      const now = descriptorOf(target, key) as PropertyDescriptor;
      const comparable = 'value' in now && now.value !== undefined && now.value === now.value;
      if (!comparable) {
        restKeys.push(key);
        rest.push(now);
      } else {
        keys.push(key);
        values.push(now.value);
      }
    }
    const count = this.knownChanges.closely ? ownKeysOf : keysOf;
    const before = count(target).length;
    const hasValues = comparison(this.name, keys);
    return () => {
      if (count(target).length !== before || !hasValues(target, values, keys)) return false;
      for (let i = 0; i < restKeys.length; i++)
        if (!isEqual(rest[i] as PropertyDescriptor, descriptorOf(target, restKeys[i] as PropertyKey)))
          return false;
      return true;
    };
  }
}

type Comparison = (target: object, values: unknown[], keys: PropertyKey[]) => boolean;

/** By their sources: what V8 has made of them for the rehearsals of a template, the runners that are forked of it have. */
const comparisons = { __proto__: null } as unknown as Record<string, Comparison | undefined>;

/** Reading properties by names that are written out is three times as fast as by names from a list. */
function comparison(of: string, keys: readonly PropertyKey[]): Comparison {
  const conditions = keys.map((key, index) => {
    const name = typeof key === 'string' ? JSON.stringify(key) : `keys[${index}]`;
    return `target[${name}] === values[${index}]`;
  });
  // V8 has one code for functions of one text, which is fast for objects of one shape alone.
  const source = `/* ${of} */ return ${conditions.join(' && ') || 'true'};`;
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- names of Node's properties, before user code runs
  return (comparisons[source] ??= new Function('target', 'values', 'keys', source) as Comparison);
}

function shapeOf(target: object): Shape {
  const shape: Shape = new Map();
  for (const key of ownKeysOf(target)) shape.set(key, descriptorOf(target, key) as PropertyDescriptor);
  return shape;
}

const isEqual = (before: PropertyDescriptor, now: PropertyDescriptor | undefined): boolean =>
  now !== undefined &&
  before.get === now.get &&
  before.set === now.set &&
  Object.is(before.value, now.value) &&
  before.writable === now.writable &&
  before.configurable === now.configurable;

function isSame(target: object, before: PropertyDescriptor, now: PropertyDescriptor): boolean {
  if (isEqual(before, now)) return true;
  // Node replaces a lazy getter by its value when it is first read.
  // oxlint-disable-next-line typescript/unbound-method -- applied to its own target
  const getter = before.get;
  return getter !== undefined && 'value' in now && Object.is(apply(getter, target, []), now.value);
}
